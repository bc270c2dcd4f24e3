//! The route by exec: `psql` in container `postgres`, peer-authenticated, with a script on its standard input.
//!
//! The script frames each statement's answer with lines that no answer can look like: an answer is JSON in one line, and
//! an error is made JSON by PostgreSQL, too, because its message may hold anything.

use std::fmt::Write as _;
use std::sync::Arc;

use super::answer::Answer;
use super::door::{Door, Output};
use super::route::{Trouble, pod_name};
use super::session::{APPLICATION_NAME, Idle, Options};
use super::statement::Ask;
use crate::domain::ids::PodKey;
use crate::domain::probe::SqlError;
use crate::domain::text::sanitise;

const ANSWER: &str = "extop-answer";
const REFUSED: &str = "extop-refused";

/// The most of `psql`'s own complaint that a reason repeats, in characters.
const MOST_COMPLAINT: usize = 300;

/// A way by exec into one pod.
pub(super) struct Psql {
    door: Arc<dyn Door>,
    pod: PodKey,
    options: String,
}

impl Psql {
    /// The way into `pod`.
    pub(super) fn new(door: Arc<dyn Door>, pod: PodKey, options: &Options) -> Self {
        Self {
            door,
            pod,
            options: options.of(Idle::Passing),
        }
    }

    /// One run of `psql` in a database.
    pub(super) async fn ask(&self, database: &str, asks: &[Ask]) -> Result<Vec<Answer>, Trouble> {
        let output = self
            .door
            .exec(self.pod.clone(), command(database, &self.options), script(asks).into_bytes())
            .await
            .map_err(|error| Trouble::of_backend(&error, "create", "pods/exec", &self.pod.namespace))?;
        let answers = answers(&output.stdout, asks.len());
        if answers.iter().all(Option::is_none) {
            return Err(self.trouble(&output));
        }
        let complaint = complaint(&output);
        let lost = || Answer::Lost(format!("psql ended before it answered: {complaint}"));
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect())
    }

    fn trouble(&self, output: &Output) -> Trouble {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let pod = pod_name(&self.pod);
        if let Some((_, fatal)) = stderr.split_once("FATAL:  ") {
            let message = sanitise(fatal.lines().next().unwrap_or_default());
            let because = format!("PostgreSQL in {pod} refuses psql: {message}");
            // psql does not tell the SQLSTATE of a refused connection.
            return Trouble::refused(
                because,
                SqlError {
                    code: String::new(),
                    message,
                },
            );
        }
        Trouble::new(format!("psql in {pod} did not answer: {}", complaint(output)))
    }
}

fn complaint(output: &Output) -> String {
    let stderr = sanitise(String::from_utf8_lossy(&output.stderr).trim());
    let code = output
        .code
        .map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
    if stderr.is_empty() {
        return code;
    }
    let text: String = stderr.chars().take(MOST_COMPLAINT).collect();
    format!("{text} ({code})")
}

/// The command. Everything about the connection is one `conninfo`: a database named like one is not taken for it.
fn command(database: &str, options: &str) -> Vec<String> {
    let connection = [
        ("dbname", database),
        ("user", "postgres"),
        ("options", options),
        ("application_name", APPLICATION_NAME),
        ("client_encoding", "UTF8"),
        ("connect_timeout", "5"),
    ]
    .map(|(key, value)| format!("{key}='{}'", value.replace('\\', r"\\").replace('\'', r"\'")))
    .join(" ");
    ["psql", "-X", "-q", "-A", "-t", "-w", "-d", &connection]
        .map(str::to_owned)
        .to_vec()
}

fn script(asks: &[Ask]) -> String {
    let mut script = String::new();
    for (number, ask) in asks.iter().enumerate() {
        let end = match &ask.argument {
            None => ";".to_owned(),
            Some(argument) => format!("\\bind {} \\g", quoted(argument)),
        };
        // Writing to a string does not fail.
        let _ = write!(
            script,
            "\\echo {ANSWER} {number}\n{}\n{end}\n\\if :ERROR\n\\echo {REFUSED}\n\
             SELECT jsonb_build_object('code', :'LAST_ERROR_SQLSTATE', 'message', :'LAST_ERROR_MESSAGE')::text;\n\\endif\n",
            ask.statement.sql().trim_end()
        );
    }
    // Not every exec can tell psql that its input ends.
    script.push_str("\\q\n");
    script
}

/// An argument of a meta-command, in its quotes.
fn quoted(argument: &str) -> String {
    let mut quoted = String::from("'");
    for c in argument.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str(r"\\"),
            '\n' => quoted.push_str(r"\n"),
            '\r' => quoted.push_str(r"\r"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// The answers in `psql`'s output, by the number of the question.
fn answers(stdout: &[u8], count: usize) -> Vec<Option<Answer>> {
    let mut answers = vec![None; count];
    let mut number = None;
    let mut refused = false;
    for line in stdout.split(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        if let Some(next) = text.strip_prefix(ANSWER) {
            number = next.trim().parse::<usize>().ok();
            refused = false;
        } else if text == REFUSED {
            refused = true;
            // Stands when the message itself cannot be had.
            put(
                &mut answers,
                number,
                Answer::Refused(SqlError {
                    code: String::new(),
                    message: "an error whose text cannot be read".to_owned(),
                }),
            );
        } else if !text.is_empty() {
            let answer = Answer::from_json(line);
            put(&mut answers, number, if refused { refusal(answer) } else { answer });
        }
    }
    answers
}

fn put(answers: &mut [Option<Answer>], number: Option<usize>, answer: Answer) {
    if let Some(place) = number.and_then(|number| answers.get_mut(number)) {
        *place = Some(answer);
    }
}

fn refusal(answer: Answer) -> Answer {
    match answer.fact::<SqlError>(None) {
        crate::domain::probe::Fact::Known(error) => Answer::Refused(error),
        other => Answer::Lost(other.because().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_answer_finds_its_question_and_one_error_hides_no_other() {
        let stdout = "extop-answer 0\n{\"a\": 1}\nextop-answer 1\nextop-refused\n\
                      {\"code\": \"42601\", \"message\": \"unrecognized\\nextop-answer 2\"}\nextop-answer 2\n[]\n";
        let answers = answers(stdout.as_bytes(), 4);
        assert_eq!(answers[0], Some(Answer::Value(json!({"a": 1}))));
        assert_eq!(
            answers[1],
            Some(Answer::Refused(SqlError {
                code: "42601".to_owned(),
                message: "unrecognized extop-answer 2".to_owned()
            }))
        );
        assert_eq!(answers[2], Some(Answer::Value(json!([]))));
        assert_eq!(answers[3], None);
    }

    proptest! {
        #[test]
        fn whatever_psql_writes_is_read_without_a_panic(stdout in any::<Vec<u8>>(), lines in "(extop-(answer|refused)( [0-9]{0,3})?\n|[\\[{\"a-z}\\]]{0,4}\n){0,9}") {
            for output in [&stdout[..], lines.as_bytes()] {
                prop_assert_eq!(answers(output, 2).len(), 2);
            }
        }
    }

    #[test]
    fn an_error_without_a_readable_message_is_still_an_error() {
        let answers = answers(b"extop-answer 0\nextop-refused\n", 1);
        assert!(matches!(&answers[0], Some(Answer::Refused(error)) if error.code.is_empty()));
    }

    #[test]
    fn a_database_named_like_a_connection_string_stays_a_name() {
        let command = command(r"host=evil o'clock\", "-c x=y");
        assert_eq!(command[..7], ["psql", "-X", "-q", "-A", "-t", "-w", "-d"]);
        assert!(
            command[7].starts_with(r"dbname='host=evil o\'clock\\' user='postgres' options='-c x=y' "),
            "{}",
            command[7]
        );
    }

    #[test]
    fn an_argument_cannot_leave_its_quotes() {
        let script = script(&[Ask::paths_of("a' \\! rm\nb")]);
        assert!(script.contains("\\bind 'a'' \\\\! rm\\nb' \\g\n"), "{script}");
    }
}
