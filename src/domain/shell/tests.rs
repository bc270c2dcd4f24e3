#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// Names as nobody should give them.
const HOSTILE: &[&str] = &[
    "",
    "app; touch pwned; echo",
    "$(touch pwned)",
    "`touch pwned`",
    "it's",
    "'",
    "\"; DROP TABLE x; --",
    "two\nlines",
    "-x",
    "--kubeconfig=/tmp/other",
    "a\\",
    "!!",
    "~root",
    "=ls",
    "{a,b}",
    "*",
    "#",
    "host=elsewhere dbname=x",
    "postgresql://elsewhere/x",
    "数据库 ü",
];

fn split(command: &ShellCommand) -> Vec<String> {
    shlex::split(&command.to_string()).unwrap()
}

/// Any text, hostile texts more often than chance makes them.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z'\"$`\\\\;&|<>(){}\\[\\]*?~!#=%\n\t -]{0,12}",
        proptest::sample::select(HOSTILE).prop_map(str::to_owned),
    ]
    .prop_map(|name| name.replace('\0', ""))
}

proptest! {
    // E11, D35
    #[test]
    fn a_shell_reads_back_exactly_the_words_that_were_meant(words in proptest::collection::vec(names(), 1..6)) {
        prop_assert_eq!(split(&ShellCommand::new(words.clone())), words);
    }

    #[test]
    fn the_database_of_a_command_is_one_word_and_never_a_way_elsewhere(namespace in names(), instance in names(), database in names(), name in names()) {
        let statement = format!("SELECT {}", sql_literal(&name));
        let words = split(&ShellCommand::psql(&namespace, &instance, Some(&database), &statement));
        let pod = pod(&instance);
        prop_assert!(!pod.starts_with('-'));
        prop_assert_eq!(&words[..8], ["kubectl", "-n", &namespace, "exec", &pod, "-c", "postgres", "--"]);
        prop_assert_eq!([&words[8], &words[9], &words[11], &words[12]], ["psql", "-d", "-c", &statement]);
        prop_assert_eq!(words.len(), 13);
        prop_assert_eq!(libpq(&words[10]), database);
    }

    #[test]
    fn a_literal_is_read_back_by_either_setting_of_standard_conforming_strings(text in names()) {
        let literal = sql_literal(&text);
        for conforming in [false, true] {
            prop_assert_eq!(literal_value(&literal, conforming), Some(text.clone()), "{}", literal);
        }
    }

    #[test]
    fn what_is_plain_needs_no_quotes(word in names()) {
        prop_assert_eq!(is_plain(&word), quoted(&word) == word);
    }
}

/// The database that libpq makes of the argument of `-d` (`recognized_connection_string` and `conninfo_parse`).
fn libpq(argument: &str) -> String {
    let is_address = argument.starts_with("postgresql://") || argument.starts_with("postgres://");
    assert!(!is_address, "{argument}");
    if !argument.contains('=') {
        return argument.to_owned();
    }
    let value = argument.strip_prefix("dbname='").unwrap().strip_suffix('\'').unwrap();
    let (mut text, mut characters) = (String::new(), value.chars());
    while let Some(c) = characters.next() {
        assert_ne!(c, '\'', "the value ends too early: {argument}");
        text.push(if c == '\\' { characters.next().unwrap() } else { c });
    }
    text
}

/// The value of a literal; `None` when something stands after its end.
fn literal_value(literal: &str, conforming: bool) -> Option<String> {
    let (escapes, inner) = match literal.strip_prefix('E') {
        Some(rest) => (true, rest),
        None => (!conforming, literal),
    };
    let mut characters = inner.strip_prefix('\'')?.chars();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '\\' if escapes => text.push(characters.next()?),
            '\'' => match characters.next() {
                Some('\'') => text.push('\''),
                None => return Some(text),
                Some(_) => return None,
            },
            c => text.push(c),
        }
    }
}

#[test]
fn usual_names_stay_readable() {
    let command = ShellCommand::kubectl(
        "shop",
        ["get", "pods", "-l", "cnpg.io/cluster=orders,cnpg.io/podRole=instance", "-o", "yaml"],
    );
    assert_eq!(
        command.to_string(),
        "kubectl -n shop get pods -l cnpg.io/cluster=orders,cnpg.io/podRole=instance -o yaml"
    );
    let command = ShellCommand::psql("shop", "orders-1", Some("my-app"), "SHOW shared_preload_libraries");
    assert_eq!(
        command.to_string(),
        "kubectl -n shop exec orders-1 -c postgres -- psql -d my-app -c 'SHOW shared_preload_libraries'"
    );
}

#[test]
fn a_name_is_never_taken_for_an_option() {
    let command = ShellCommand::cnpg("shop", ["fencing", "off"]).with_name("-x").with(["*"]);
    assert_eq!(command.to_string(), "kubectl cnpg -n shop fencing off -- -x '*'");
    let command = ShellCommand::cnpg("shop", ["fencing", "off"]).with_name("orders").with(["*"]);
    assert_eq!(command.to_string(), "kubectl cnpg -n shop fencing off orders '*'");
}

#[test]
fn the_shell_of_this_machine_reads_the_words_back_too() {
    let print = ShellCommand::new(["printf", "%s\\0"]).with(HOSTILE.iter().copied());
    let output = std::process::Command::new("sh").arg("-c").arg(print.to_string()).output().unwrap();
    let words: Vec<&str> = str::from_utf8(&output.stdout).unwrap().split_terminator('\0').collect();
    assert_eq!(words, HOSTILE);
}
