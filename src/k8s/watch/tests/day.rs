//! Watches over a long time: what they cost, and how the end of one is noticed.

use super::*;

/// Requests of all watches in a day, of an API server that answers so.
async fn a_day(is_probed: bool, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Vec<String> {
    let mock = Mock::new(move |seen| {
        if seen.uri.contains("watch=1") || seen.uri.contains("limit=") {
            answer(&seen.uri)
        } else {
            json_answer(
                200,
                &json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "",
                                     "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
            )
        }
    });
    let scope = Scope::Namespace("shop".to_owned());
    let told: Vec<Observation> = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5), is_probed)
        .take_until(tokio::time::sleep(Duration::from_secs(86_400)))
        .collect()
        .await;
    assert!(!told.is_empty());
    mock.seen().into_iter().map(|seen| seen.uri).collect()
}

fn two_hundred_clusters() -> Answer {
    let clusters: Vec<Value> = (0..200).map(|number| cluster(&format!("c-{number}"), "1")).collect();
    json_answer(200, &list(&clusters))
}

/// A console that nobody looks at for a day.
#[tokio::test(start_paused = true)]
async fn a_day_of_watches_costs_fewer_than_1200_requests() {
    let quiet = |uri: &str| {
        if uri.contains("watch=1") {
            begun_answer(String::new(), Then::End(life(uri)))
        } else {
            two_hundred_clusters()
        }
    };
    let beating = |uri: &str| {
        if uri.contains("watch=1") {
            begun_answer(String::new(), Then::Beat(life(uri)))
        } else {
            two_hundred_clusters()
        }
    };
    let unprobed = a_day(false, quiet).await;
    assert!(unprobed.len() <= 7_300, "{}", unprobed.len());
    for (what, requests) in [
        ("a probed connection", a_day(true, quiet).await),
        ("signs of life", a_day(false, beating).await),
    ] {
        let lists = requests.iter().filter(|uri| uri.contains("limit=")).count();
        assert_eq!(lists, Kind::ALL.len(), "{what}");
        assert!(requests.len() <= 1_200, "{what}: {}", requests.len());
    }
    let refused = a_day(true, move |uri| match uri {
        uri if uri.contains("/databases?") => json_answer(403, &failure(403, "no")),
        uri if uri.contains("/clusterimagecatalogs?") => text_answer(404, "404 page not found\n".to_owned()),
        uri => beating(uri),
    })
    .await;
    assert!(refused.len() <= 1_200, "{}", refused.len());
}

/// F3: who gives a sign of life each minute and then none is dead, however long the watch was to last.
#[tokio::test(start_paused = true)]
async fn a_server_that_stops_giving_signs_of_life_is_noticed_within_70_seconds() {
    let begin = Instant::now();
    let (cut, heard): (Arc<Mutex<Option<Duration>>>, _) = (Arc::default(), Arc::new(Mutex::new(None)));
    let noted = cut.clone();
    let mock = Mock::new(move |seen| {
        if !seen.uri.contains("/clusters?") {
            None
        } else if !seen.uri.contains("watch=1") {
            json_answer(200, &list(&[cluster("a", "1")]))
        } else if life(&seen.uri) <= WATCH {
            begun_answer(event("BOOKMARK", "11"), Then::End(WATCH))
        } else {
            noted.lock().unwrap().get_or_insert(begin.elapsed());
            begun_answer(String::new(), Then::Silence)
        }
    });
    let scope = Scope::Namespace("shop".to_owned());
    let mut told = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5), false);
    while let Some(observation) = told.next().await {
        if let Observation::Watch {
            kind: Kind::Cluster,
            state: WatchState::Stale { why, .. },
            ..
        } = observation
        {
            *heard.lock().unwrap() = Some((begin.elapsed(), why));
            break;
        }
    }
    let (at, why) = heard.lock().unwrap().clone().unwrap();
    assert!(why.contains("is silent"), "{why}");
    let since = at.checked_sub(cut.lock().unwrap().unwrap()).unwrap();
    assert!(since <= Duration::from_secs(70), "{since:?}");
}

/// Something on the way lets no watch last: they are asked to end before that, so that there is no gap each time.
#[tokio::test(start_paused = true)]
async fn where_long_watches_are_cut_short_ones_are_asked_for() {
    let cuts = Arc::new(AtomicUsize::new(0));
    let counted = cuts.clone();
    let requests = a_day(true, move |uri| {
        if !uri.contains("watch=1") {
            return json_answer(200, &list(&[cluster("a", "1")]));
        }
        let life = life(uri);
        if life > Duration::from_secs(90) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        begun_answer(String::new(), Then::End(life.min(Duration::from_secs(90))))
    })
    .await;
    assert_eq!(cuts.load(Ordering::SeqCst), 2 * Kind::ALL.len());
    assert!(requests.len() <= 7_300, "{}", requests.len());
}

/// F10: a permission or a kind that is absent does not come back within seconds.
#[tokio::test(start_paused = true)]
async fn what_is_refused_is_asked_for_ever_more_seldom_and_found_again() {
    for (code, message) in [(403, "no"), (404, "404 page not found")] {
        let begin = Instant::now();
        let asked: Arc<Mutex<Vec<u64>>> = Arc::default();
        let noted = asked.clone();
        let mock = Mock::new(move |seen| {
            if !seen.uri.contains("/clusters?") {
                return None;
            }
            let at = begin.elapsed().as_secs();
            if seen.uri.contains("watch=1") {
                return begun_answer(String::new(), Then::Silence);
            }
            noted.lock().unwrap().push(at);
            if at > 2_000 {
                json_answer(200, &list(&[cluster("a", "1")]))
            } else {
                json_answer(code, &failure(code, message))
            }
        });
        let scope = Scope::Namespace("shop".to_owned());
        let mut told = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5), true);
        while let Some(observation) = told.next().await {
            if matches!(
                &observation,
                Observation::Watch {
                    state: WatchState::Live,
                    ..
                }
            ) {
                break;
            }
        }
        let asked = asked.lock().unwrap().clone();
        for (pair, pause) in asked.windows(2).zip([30, 60, 120, 300, 600, 600, 600]) {
            let (least, most) = (pause, pause * 3 / 2 + 1);
            assert!((least..=most).contains(&(pair[1] - pair[0])), "{code}: {asked:?}");
        }
    }
}

/// F4: the limit is that of the whole answer, and other kinds are not held up.
#[tokio::test(start_paused = true)]
async fn an_answer_that_trickles_ends_at_its_limit_and_holds_up_nothing_else() {
    let begin = Instant::now();
    let mock = Mock::new(|seen| {
        if seen.uri.contains("watch=1") {
            begun_answer(String::new(), Then::Silence)
        } else if seen.uri.contains("/clusters?") {
            begun_answer("{\"items\": [".to_owned(), Then::Trickle)
        } else {
            json_answer(200, &list(&[]))
        }
    });
    let scope = Scope::Namespace("shop".to_owned());
    let mut told = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5), true);
    let mut live = Vec::new();
    while let Some(observation) = told.next().await {
        match observation {
            Observation::Watch {
                kind: Kind::Cluster,
                state: WatchState::Error { why },
                ..
            } => {
                assert!(why.contains("within 5 s"), "{why}");
                break;
            }
            Observation::Watch {
                kind,
                state: WatchState::Live,
                ..
            } => live.push((kind, begin.elapsed())),
            _ => {}
        }
    }
    assert!(begin.elapsed() <= Duration::from_secs(11), "{:?}", begin.elapsed());
    assert!(
        live.len() == 4 && live.iter().all(|(_, at)| *at < Duration::from_secs(1)),
        "{live:?}"
    );
}
