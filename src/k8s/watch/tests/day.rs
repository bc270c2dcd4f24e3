//! Watches over a long time: what they cost, and how the end of one is noticed.

use super::*;

/// Requests of all watches in a day, of an API server that answers so.
async fn a_day(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Vec<String> {
    let mock = Mock::new(move |seen| {
        if seen.uri.contains("watch=1") || seen.uri.contains("limit=") {
            answer(&seen.uri)
        } else {
            version_answer()
        }
    });
    let scope = Scope::Namespace("shop".to_owned());
    let told: Vec<Observation> = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5))
        .take_until(tokio::time::sleep(Duration::from_secs(86_400)))
        .collect()
        .await;
    let stale = |told: &&Observation| {
        matches!(
            told,
            Observation::Watch {
                state: WatchState::Stale { .. },
                ..
            }
        )
    };
    let cuts = told.iter().filter(stale).count();
    assert!(!told.is_empty() && cuts <= 2 * Kind::ALL.len(), "stale {cuts} times");
    mock.seen().into_iter().map(|seen| seen.uri).collect()
}

/// A server that gives signs of life costs next to nothing, and one that gives none a request a minute in all.
#[tokio::test(start_paused = true)]
async fn a_day_of_watches_costs_fewer_than_a_request_a_minute() {
    for (what, then, most) in [
        ("no signs of life", Then::End as fn(Duration) -> Then, 1_410),
        ("signs of life", Then::Beat, 180),
    ] {
        let requests = a_day(move |uri| {
            if uri.contains("watch=1") {
                begun_answer(String::new(), then(life(uri)))
            } else {
                json_answer(200, &list(&[cluster("a", "1")]))
            }
        })
        .await;
        let lists = requests.iter().filter(|uri| uri.contains("limit=")).count();
        assert_eq!(lists, Kind::ALL.len(), "{what}");
        assert!(requests.len() <= most, "{what}: {}", requests.len());
    }
}

/// F3: who gives a sign of life each minute and then none is dead, though the server answers others.
#[tokio::test(start_paused = true)]
async fn a_watch_whose_signs_of_life_end_is_noticed_within_70_seconds() {
    let begin = Instant::now();
    let dies = begin + Duration::from_secs(150);
    let mock = Mock::new(move |seen| match &seen.uri {
        uri if uri == "/version" => version_answer(),
        uri if uri.contains("/clusters?watch") => begun_answer(String::new(), Then::BeatUntil(dies)),
        uri if uri.contains("watch=1") => begun_answer(String::new(), Then::Beat(life(uri))),
        _ => json_answer(200, &list(&[cluster("a", "1")])),
    });
    let scope = Scope::Namespace("shop".to_owned());
    let mut told = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5));
    while let Some(observation) = told.next().await {
        if let Observation::Watch {
            kind,
            state: WatchState::Stale { why, .. },
            ..
        } = observation
        {
            assert!(kind == Kind::Cluster && why.contains("is silent"), "{kind:?} {why}");
            break;
        }
    }
    let since = Instant::now() - dies;
    assert!(since <= Duration::from_secs(70), "{since:?}");
}

/// Something on the way lets no watch last: they are asked to end before that, so that there is no gap each time.
#[tokio::test(start_paused = true)]
async fn where_long_watches_are_cut_short_ones_are_asked_for() {
    for (cut, most) in [(90, 7_300), (600, 2_400)] {
        let cut = Duration::from_secs(cut);
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = cuts.clone();
        let requests = a_day(move |uri| {
            if !uri.contains("watch=1") {
                return json_answer(200, &list(&[cluster("a", "1")]));
            }
            if life(uri) > cut {
                counted.fetch_add(1, Ordering::SeqCst);
            }
            begun_answer(String::new(), Then::End(life(uri).min(cut)))
        })
        .await;
        assert_eq!(cuts.load(Ordering::SeqCst), 2 * Kind::ALL.len());
        assert!(requests.len() <= most, "{}", requests.len());
    }
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
        let mut told = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5));
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
    let mut told = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5));
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
