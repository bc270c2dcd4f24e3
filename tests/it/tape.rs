//! `demo.tape` is played against the program: what the tour promises is so.
//!
//! The player knows a subset of the commands of VHS 0.9, one a line, and refuses everything else: a tape that passes plays
//! in VHS too. The shell in which VHS starts the program is left out; its one line says how large the terminal is and what
//! is started.

use std::time::Duration;

use regex::Regex;

use crate::console::Console;

/// Pauses are for people.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// Tests run on busy machines: everything is given so many times as long.
const PATIENCE: u32 = 4;
/// Settings that every player takes.
const SETTINGS: &[&str] = &[
    "Shell",
    "FontFamily",
    "FontSize",
    "Width",
    "Height",
    "Padding",
    "Framerate",
    "TypingSpeed",
    "CursorBlink",
    "WaitTimeout",
    "Theme",
];

/// A command of a tape.
#[derive(Debug, Clone)]
enum Command {
    Output,
    Set(String, String),
    Type(String),
    Key(&'static str, u32),
    Sleep(Duration),
    Wait(Regex, Option<Duration>),
    Hide,
    Show,
    Screenshot,
}

/// Commands with the numbers of their lines.
type Tape = Vec<(usize, Command)>;

fn parse(text: &str) -> Result<Tape, String> {
    let mut tape = Tape::new();
    for (at, line) in text.lines().enumerate() {
        let (number, line) = (at + 1, line.trim());
        if !line.is_empty() && !line.starts_with('#') {
            tape.push((number, command(line).map_err(|why| format!("demo.tape, line {number}: {why}"))?));
        }
    }
    Ok(tape)
}

fn command(line: &str) -> Result<Command, String> {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    if let Some(timeout) = name.strip_prefix("Wait+Screen") {
        return wait(timeout, rest);
    }
    let alone = |command| {
        if rest.is_empty() {
            Ok(command)
        } else {
            Err(format!("{name} takes nothing, not {rest}"))
        }
    };
    match name {
        "Output" => file(rest, ".gif").map(|()| Command::Output),
        "Screenshot" => file(rest, ".png").map(|()| Command::Screenshot),
        "Set" => setting(rest),
        "Type" => quoted(rest).map(Command::Type),
        "Sleep" => duration(rest).map(Command::Sleep),
        "Hide" => alone(Command::Hide),
        "Show" => alone(Command::Show),
        _ => key(name, rest),
    }
}

fn wait(timeout: &str, rest: &str) -> Result<Command, String> {
    let timeout = match timeout.strip_prefix('@') {
        Some(time) => Some(duration(time)?),
        None if timeout.is_empty() => None,
        None => return Err(format!("Wait+Screen{timeout} is not known")),
    };
    let pattern = rest.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    // VHS 0.9 has no way to write a slash within the slashes.
    let pattern = pattern
        .filter(|pattern| !pattern.is_empty() && !pattern.contains('/'))
        .ok_or_else(|| format!("{rest} is no /regex/ without a slash in it"))?;
    let regex = Regex::new(pattern).map_err(|error| error.to_string())?;
    Ok(Command::Wait(regex, timeout))
}

fn file(name: &str, ending: &str) -> Result<(), String> {
    if name.ends_with(ending) && !name.contains([' ', '"', '\'']) && !name.starts_with('/') {
        return Ok(());
    }
    Err(format!("{name} is no file *{ending} without blanks, below this directory"))
}

fn setting(rest: &str) -> Result<Command, String> {
    match rest.split_once(' ') {
        Some((name, value)) if SETTINGS.contains(&name) => Ok(Command::Set(name.to_owned(), value.trim().to_owned())),
        _ => Err(format!("Set {rest} is not known, or has no value")),
    }
}

/// There are no escapes: a quote of the same kind ends the text.
fn quoted(rest: &str) -> Result<String, String> {
    ['"', '\'', '`']
        .into_iter()
        .find_map(|quote| rest.strip_prefix(quote)?.strip_suffix(quote).filter(|text| !text.contains(quote)))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| format!("{rest} is no text in quotes"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let number = |text: &str| text.parse::<u64>().ok();
    let milliseconds = text.strip_suffix("ms").and_then(number).map(Duration::from_millis);
    milliseconds
        .or_else(|| text.strip_suffix('s').and_then(number).map(Duration::from_secs))
        .ok_or_else(|| format!("{text} is no time like 2s or 500ms"))
}

/// A key, and how often it is pressed.
fn key(name: &str, times: &str) -> Result<Command, String> {
    let bytes = match name {
        "Enter" => "\r",
        "Escape" => "\x1b",
        "Tab" => "\t",
        "Up" => "\x1b[A",
        "Down" => "\x1b[B",
        "Right" => "\x1b[C",
        "Left" => "\x1b[D",
        "Backspace" => "\x7f",
        "Space" => " ",
        _ => control(name).ok_or_else(|| format!("{name} is not known"))?,
    };
    let times = if times.is_empty() {
        Some(1)
    } else {
        times.parse().ok().filter(|times| *times > 0)
    };
    times
        .map(|times| Command::Key(bytes, times))
        .ok_or_else(|| format!("after {name} comes nothing, or how often it is pressed"))
}

fn control(name: &str) -> Option<&'static str> {
    // Ctrl+a is 1 and Ctrl+z is 26.
    const CODES: &str = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a";
    let letter = *name.strip_prefix("Ctrl+")?.as_bytes().first()?;
    let at = usize::from(letter.checked_sub(b'a')?);
    CODES.get(at..=at).filter(|_| name.len() == "Ctrl+x".len())
}

/// Terminal and arguments of the program, from what is typed into the shell.
struct Start {
    cols: u16,
    rows: u16,
    arguments: Vec<String>,
}

/// Takes the start off a tape: all that comes before the program has begun, and the first line for a shell.
fn start(tape: &Tape) -> Result<(Start, Tape), String> {
    let shell = Regex::new(r"^stty cols (\d+) rows (\d+); clear; extop(.*)$").unwrap();
    let at = tape.iter().position(|(_, command)| matches!(command, Command::Type(_)));
    let (number, Command::Type(line)) = &tape[at.ok_or("demo.tape: nothing is typed")?] else {
        unreachable!()
    };
    let wrong = || format!("demo.tape, line {number}: the program is started by stty cols C rows R; clear; extop ...");
    let found = shell.captures(line).ok_or_else(wrong)?;
    let number_of = |group: usize| found[group].parse().map_err(|_| wrong());
    let rest = tape.iter().skip_while(|(line, _)| line <= number);
    let rest: Tape = rest
        .skip_while(|(_, command)| matches!(command, Command::Key("\r", 1)))
        .cloned()
        .collect();
    let start = Start {
        cols: number_of(1)?,
        rows: number_of(2)?,
        arguments: found[3].split_whitespace().map(str::to_owned).collect(),
    };
    Ok((start, rest))
}

/// Value of a setting that is a time.
fn time_of(tape: &Tape, name: &str) -> Option<Duration> {
    tape.iter().find_map(|(_, command)| match command {
        Command::Set(set, value) if set == name => duration(value).ok(),
        _ => None,
    })
}

/// Plays a tape to its end against the program; fails with the line and the screen.
fn play(tape: &Tape) -> Console {
    let (start, rest) = start(tape).unwrap();
    let state = tempfile::tempdir().unwrap();
    let arguments: Vec<&str> = start.arguments.iter().map(String::as_str).collect();
    let state = [("XDG_STATE_HOME", state.path().to_str().unwrap())];
    let mut console = Console::sized(&arguments, &state, start.rows, start.cols);
    let usual = time_of(tape, "WaitTimeout").unwrap_or(Duration::from_secs(15));
    for (number, command) in &rest {
        match command {
            Command::Type(text) => console.keys(text),
            Command::Key(bytes, times) => {
                for _ in 0..*times {
                    console.keys(bytes);
                    // What came right after an escape would be a key with Alt.
                    std::thread::sleep(LONGEST_PAUSE);
                }
            }
            Command::Sleep(time) => std::thread::sleep(LONGEST_PAUSE.min(*time)),
            Command::Wait(regex, timeout) => {
                let seconds = (timeout.unwrap_or(usual) * PATIENCE).as_secs();
                console.wait(&format!("demo.tape, line {number}: /{regex}/"), seconds, |screen| {
                    regex.is_match(screen)
                });
            }
            Command::Output | Command::Set(..) | Command::Hide | Command::Show | Command::Screenshot => {}
        }
    }
    console
}

fn demo() -> Tape {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/demo.tape")).unwrap();
    parse(&text).unwrap()
}

#[test]
fn the_tour_plays_to_its_end_and_gives_the_terminal_back() {
    let mut console = play(&demo());
    assert_eq!(console.exit_code(30), 0);
    console.wait("the terminal given back", 10, |_| console.is_given_back());
}

#[test]
fn the_tour_takes_a_minute_or_so_and_is_recorded_from_the_start() {
    let tape = demo();
    let typing = time_of(&tape, "TypingSpeed").unwrap();
    let pauses: Duration = tape
        .iter()
        .map(|(_, command)| match command {
            Command::Sleep(time) => *time,
            Command::Type(text) => typing * u32::try_from(text.chars().count()).unwrap(),
            Command::Key(_, times) => typing * *times,
            _ => Duration::ZERO,
        })
        .sum();
    // The rollouts take more than half a minute beside.
    assert!((30..55).contains(&pauses.as_secs()), "{pauses:?}");
    assert!(matches!(tape[0].1, Command::Output));
    let first = |wanted: fn(&Command) -> bool| tape.iter().position(|(_, command)| wanted(command));
    let hidden = first(|command| matches!(command, Command::Hide));
    let typed = first(|command| matches!(command, Command::Type(_)));
    let shown = first(|command| matches!(command, Command::Show));
    assert!(
        hidden.is_some() && hidden < typed && typed < shown,
        "{hidden:?} {typed:?} {shown:?}"
    );
}

#[test]
fn every_command_of_the_subset_is_understood() {
    let tape = parse(
        "# a comment\n\nOutput a.gif\nSet FontSize 16\nHide\nType \"a 'b' c\"\nType 'say \"x\"'\nShow\nEnter\nDown 3\nCtrl+s\n\
         Sleep 500ms\nSleep 2s\nWait+Screen /a +b/\nWait+Screen@90s /c/\nScreenshot out/a.png\nSpace\nBackspace 2\n",
    )
    .unwrap();
    assert_eq!(tape[0].0, 3, "lines are counted with comments");
    let told: Vec<String> = tape.iter().map(|(_, command)| format!("{command:?}")).collect();
    assert_eq!(told[3], r#"Type("a 'b' c")"#);
    assert_eq!(told[4], r#"Type("say \"x\"")"#);
    assert_eq!(told[7], r#"Key("\u{1b}[B", 3)"#);
    assert_eq!(told[8], r#"Key("\u{13}", 1)"#);
    assert_eq!(told[9], "Sleep(500ms)");
    assert!(told[11].ends_with("None)") && told[12].ends_with("Some(90s))"), "{told:?}");
}

#[test]
fn anything_else_is_refused_with_its_line() {
    for (line, why) in [
        ("Home", "Home is not known"),
        ("Shift+Down", "Shift+Down is not known"),
        ("Ctrl+", "Ctrl+ is not known"),
        ("Ctrl+Tab", "Ctrl+Tab is not known"),
        ("Ctrl+A", "Ctrl+A is not known"),
        ("Enter Enter", "after Enter comes nothing, or how often"),
        ("Down 0", "after Down comes nothing, or how often"),
        ("Type quick", "quick is no text in quotes"),
        (r#"Type "a \" b""#, "is no text in quotes"),
        (r#"Type "a" Enter"#, "is no text in quotes"),
        ("Sleep 2", "2 is no time like"),
        ("Sleep", "is no time like"),
        ("Wait /a/", "Wait is not known"),
        ("Wait+Line /a/", "Wait+Line is not known"),
        ("Wait+Screen /a", "/a is no /regex/"),
        (r"Wait+Screen /a\/b/", "is no /regex/ without a slash"),
        ("Wait+Screen \"a\"", "is no /regex/"),
        ("Wait+Screen@soon /a/", "soon is no time like"),
        ("Wait+Screen /(/", "unclosed group"),
        ("Set Columns 120", "Set Columns 120 is not known"),
        ("Set FontSize", "Set FontSize is not known, or has no value"),
        ("Output demo.cast", "demo.cast is no file *.gif"),
        ("Hide it", "Hide takes nothing"),
        ("Env HOME \"x\"", "Env is not known"),
    ] {
        let error = parse(&format!("Output demo.gif\n# fine\n\n{line}\nEnter\n")).unwrap_err();
        assert!(error.starts_with("demo.tape, line 4: ") && error.contains(why), "{line}: {error}");
    }
}

#[test]
fn a_tape_that_starts_something_else_is_refused() {
    let tape = parse("Hide\nType \"rm -r x\"\nEnter\n").unwrap();
    let error = start(&tape).map(|_| ()).unwrap_err();
    assert!(error.starts_with("demo.tape, line 2: "), "{error}");
}
