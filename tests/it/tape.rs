//! `demo.tape` is played against the program: what the tour promises is so.
//!
//! The player knows a subset of the commands of VHS 0.9 and 0.10, one a line, and refuses everything else: a tape that
//! passes plays in VHS too. The shell in which VHS starts the program is left out; its one line says how large the terminal
//! is and what is started.

use std::time::Duration;

use regex::Regex;

use crate::console::Console;

/// Pauses are for people.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// Tests run on busy machines: everything is given so many times as long.
const PATIENCE: u32 = 4;
/// A word without quotes: VHS takes other characters for commands of their own, and what begins with a digit for a number.
const WORD: &str = "^[A-Za-z][A-Za-z0-9._/%-]*$";
/// Regular expressions that Rust and Go read alike. Rust alone repeats a repetition and counts beyond 1000, for example.
const PORTABLE: &str = r"(?x)^ (?:\(\?i\))? (?:
    (?: [^\\\[\](){}*+?] | \\[dDwWsSbB.\[\](){}*+?|^$\\-] | \[ \^? (?:[\w\ .,:;=-]|\\[dDwWsS.\[\]^\\-])+ \] | \) ) (?:[*+?]\??)?
    | \( (?:\?:)?
)* $";

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
    Screenshot(String),
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
    // To VHS a carriage return is the end of a line, and a zero the end of the tape.
    if line.contains(char::is_control) {
        return Err(format!("{line:?} has a control character"));
    }
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
        "Screenshot" => file(rest, ".png").map(|()| Command::Screenshot(rest.to_owned())),
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
        Some(time) => Some(duration(time).and_then(positive)?),
        None if timeout.is_empty() => None,
        None => return Err(format!("Wait+Screen{timeout} is not known")),
    };
    let pattern = rest.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    // VHS 0.9 has no way to write a slash within the slashes.
    let pattern = pattern
        .filter(|pattern| !pattern.is_empty() && !pattern.contains('/'))
        .ok_or_else(|| format!("{rest} is no /regex/ without a slash in it"))?;
    if !Regex::new(PORTABLE).unwrap().is_match(pattern) {
        return Err(format!("/{pattern}/ is not read alike by Rust and Go"));
    }
    let regex = Regex::new(pattern).map_err(|error| error.to_string())?;
    Ok(Command::Wait(regex, timeout))
}

fn file(name: &str, ending: &str) -> Result<(), String> {
    if name.ends_with(ending) && is_word(name) {
        return Ok(());
    }
    Err(format!("{name} is no file *{ending}, a word without quotes below this directory"))
}

fn is_word(text: &str) -> bool {
    Regex::new(WORD).unwrap().is_match(text)
}

/// A setting that every player takes, with a value of its kind.
fn setting(rest: &str) -> Result<Command, String> {
    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
    let value = value.trim();
    let fits = match name {
        "FontSize" | "Width" | "Height" | "Padding" | "Framerate" => digits(value).is_some(),
        "TypingSpeed" | "WaitTimeout" => duration(value).is_ok(),
        "CursorBlink" => matches!(value, "true" | "false"),
        "Shell" | "FontFamily" | "Theme" => is_word(value) || quoted(value).is_ok(),
        _ => return Err(format!("Set {rest} is not known")),
    };
    if fits {
        Ok(Command::Set(name.to_owned(), value.to_owned()))
    } else {
        Err(format!("Set {name} does not take '{value}'"))
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
    let milliseconds = text.strip_suffix("ms").and_then(digits).map(Duration::from_millis);
    milliseconds
        .or_else(|| text.strip_suffix('s').and_then(digits).map(Duration::from_secs))
        .ok_or_else(|| format!("{text} is no time like 2s or 500ms"))
}

fn positive(time: Duration) -> Result<Duration, String> {
    if time.is_zero() {
        return Err("a time of nothing is not waited for".to_owned());
    }
    Ok(time)
}

/// A number without a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A key, and how often it is pressed. VHS counts no chords.
fn key(name: &str, times: &str) -> Result<Command, String> {
    let chord = control(name);
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
        _ => chord.ok_or_else(|| format!("{name} is not known"))?,
    };
    let times = match digits(times) {
        _ if times.is_empty() => Some(1),
        Some(times) if times > 0 && chord.is_none() => u32::try_from(times).ok(),
        _ => None,
    };
    times
        .map(|times| Command::Key(bytes, times))
        .ok_or_else(|| format!("after {name} comes nothing, or how often it is pressed"))
}

/// A chord of Ctrl and a letter of either case, but `s` and `m`: a lower-case one alone is a unit of time to VHS.
fn control(name: &str) -> Option<&'static str> {
    // Ctrl+A is 1 and Ctrl+Z is 26.
    const CODES: &str = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a";
    let [letter] = name.strip_prefix("Ctrl+")?.as_bytes() else {
        return None;
    };
    let is_unit = matches!(letter, b's' | b'm');
    let at = usize::from(letter.to_ascii_uppercase().checked_sub(b'A')?);
    CODES.get(at..=at).filter(|_| !is_unit)
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
            Command::Output | Command::Set(..) | Command::Hide | Command::Show | Command::Screenshot(_) => {}
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
fn the_tour_takes_less_than_two_minutes_and_is_recorded_from_the_start() {
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
    // The rollouts take three quarters of a minute beside.
    assert!((45..70).contains(&pauses.as_secs()), "{pauses:?}");
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

/// A still is taken of the next frame: nothing may be drawn in between.
#[test]
fn each_still_has_a_name_of_its_own_and_time_to_be_taken() {
    let tape = demo();
    let mut stills = std::collections::BTreeSet::new();
    for pair in tape.windows(2) {
        if let (number, Command::Screenshot(name)) = &pair[0] {
            assert!(stills.insert(name.clone()), "demo.tape, line {number}: {name} is taken twice");
            let pause = match &pair[1].1 {
                Command::Sleep(time) => *time,
                _ => Duration::ZERO,
            };
            assert!(pause >= Duration::from_millis(300), "demo.tape, line {number}: no pause follows");
        }
    }
    assert!(stills.len() >= 8, "{stills:?}");
    // The one that the README shows.
    let record = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.github/record")).unwrap();
    let shown = record.lines().find_map(|line| line.strip_prefix("STILL=")).unwrap();
    assert!(stills.contains(&format!("{shown}.png")), "{shown}");
    let picture = std::fs::metadata(concat!(env!("CARGO_MANIFEST_DIR"), "/.github/extop.png")).unwrap();
    assert!(picture.len() <= 300 * 1024, "{} bytes", picture.len());
}

#[test]
fn every_command_of_the_subset_is_understood() {
    let tape = parse(
        "# a comment\n\nOutput a.gif\nSet FontSize 16\nHide\nType \"a 'b' c\"\nType 'say \"x\"'\nShow\nEnter\nDown 3\nCtrl+S\n\
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

/// Lines that VHS 0.10 refuses (or takes with what stands on the next line), and what this player says of them.
const REFUSED_BY_VHS: &[(&str, &str)] = &[
    ("Home", "Home is not known"),
    ("F1", "F1 is not known"),
    ("enter", "enter is not known"),
    ("Ctrl", "Ctrl is not known"),
    ("Ctrl+s", "Ctrl+s is not known"),
    ("Ctrl+m", "Ctrl+m is not known"),
    ("Ctrl+1", "Ctrl+1 is not known"),
    ("Ctrl+Tab", "Ctrl+Tab is not known"),
    ("Ctrl+Left", "Ctrl+Left is not known"),
    ("Ctrl+C 2", "after Ctrl+C comes nothing"),
    ("Shift+Down", "Shift+Down is not known"),
    ("Alt+Left", "Alt+Left is not known"),
    ("Down +3", "after Down comes nothing, or how often"),
    ("Down -1", "after Down comes nothing, or how often"),
    ("Enter 2x", "after Enter comes nothing, or how often"),
    ("Type", "is no text in quotes"),
    ("Type 12", "12 is no text in quotes"),
    ("Sleep", "is no time like"),
    ("Sleep fast", "fast is no time like"),
    ("Sleep +2s", "+2s is no time like"),
    ("Sleep 2ss", "2ss is no time like"),
    ("Wait+screen /a/", "Wait+screen is not known"),
    ("Wait+Screen \"a\"", "is no /regex/"),
    ("Wait+Screen@soon /a/", "soon is no time like"),
    ("Wait+Screen@0s /a/", "a time of nothing"),
    (r"Wait+Screen /a\/b/", "is no /regex/ without a slash"),
    ("Wait+Screen /(/", "unclosed group"),
    ("Wait+Screen /a**/", "is not read alike"),
    ("Wait+Screen /a{1001}/", "is not read alike"),
    (r"Wait+Screen /\u{41}/", "is not read alike"),
    ("Wait+Screen /(?x)a/", "is not read alike"),
    ("Set Columns 120", "Set Columns 120 is not known"),
    ("Set fontsize 12", "Set fontsize 12 is not known"),
    ("Set FontSize -3", "Set FontSize does not take '-3'"),
    ("Set Width 1400px", "Set Width does not take '1400px'"),
    ("Set WaitTimeout 20x", "Set WaitTimeout does not take '20x'"),
    ("Set CursorBlink no", "Set CursorBlink does not take 'no'"),
    ("Set Theme Rose Pine", "Set Theme does not take 'Rose Pine'"),
    ("Output", "is no file *.gif"),
    ("Output 1.gif", "1.gif is no file *.gif"),
    ("Output a b.gif", "a b.gif is no file *.gif"),
    ("Output /a.gif", "/a.gif is no file *.gif"),
    ("Screenshot a.jpg", "a.jpg is no file *.png"),
    ("Hide it", "Hide takes nothing"),
    ("Env HOME 1", "Env is not known"),
    ("// a comment", "// is not known"),
];

/// Lines that VHS takes and this player does not: they mean something else than one thinks, or nobody has needed them.
const ONLY_IN_VHS: &[(&str, &str)] = &[
    ("Ctrl+", "Ctrl+ is not known"),
    ("Enter Enter", "after Enter comes nothing, or how often"),
    ("Down 0", "after Down comes nothing, or how often"),
    ("Type quick", "quick is no text in quotes"),
    (r#"Type "a \" b""#, "is no text in quotes"),
    (r#"Type "a" Enter"#, "is no text in quotes"),
    ("Sleep 2", "2 is no time like"),
    ("Wait /a/", "Wait is not known"),
    ("Wait+Line /a/", "Wait+Line is not known"),
    ("Wait+Screen /a", "/a is no /regex/"),
    (r"Wait+Screen /a\b{start}/", "is not read alike"),
    ("Set FontSize", "Set FontSize does not take ''"),
    ("Set FontSize big", "Set FontSize does not take 'big'"),
    ("Set TypingSpeed 80", "Set TypingSpeed does not take '80'"),
    ("Output demo.cast", "demo.cast is no file *.gif"),
    ("Env HOME \"x\"", "Env is not known"),
    ("Enter # why", "after Enter comes nothing, or how often"),
];

/// Lines beside those that are refused, which both take.
const TAKEN: &[&str] = &[
    "Ctrl+S",
    "Ctrl+M",
    "Ctrl+a",
    "Ctrl+A",
    "Down 3",
    "Enter 02",
    "Type 'a'",
    "Type \"ü\"",
    "Type `it's \"x\"`",
    "Sleep 0s",
    "Sleep 2s",
    "Wait+Screen /a/",
    "Wait+Screen@1s /a/",
    r"Wait+Screen /\(a+? \[b\]\*/",
    r"Wait+Screen /^(?:a|b)* ([0-9.]+|\d)$/",
    "Wait+Screen /(?i)ready ●/",
    "Set FontSize 12",
    "Set Width 1400",
    "Set WaitTimeout 20s",
    "Set TypingSpeed 80ms",
    "Set CursorBlink false",
    "Set Theme Dracula",
    "Set Theme \"Rose Pine\"",
    "Set Shell bash",
    "Output out/a-1.gif",
    "Screenshot a_1.png",
    "Hide",
    "#!comment",
];

/// A tape with this line in it, the fourth.
fn around(line: &str) -> String {
    format!("Output demo.gif\n# fine\n\n{line}\nEnter\n")
}

#[test]
fn anything_else_is_refused_with_its_line() {
    for (line, why) in REFUSED_BY_VHS.iter().chain(ONLY_IN_VHS) {
        let error = parse(&around(line)).map(|_| line).unwrap_err();
        assert!(error.starts_with("demo.tape, line 4: ") && error.contains(why), "{line}: {error}");
    }
    for line in ["Type 'a\rb'", "Type 'a\0b'"] {
        let error = parse(&around(line)).map(|_| line).unwrap_err();
        assert!(error.contains("control character"), "{line}: {error}");
    }
}

#[test]
fn what_stands_beside_it_is_taken() {
    for line in TAKEN {
        assert_eq!(parse(&around(line)).map(|_| ()), Ok(()), "{line}");
    }
}

/// The lists are the real player's verdicts, where `EXTOP_VHS_BIN` names one (0.10; later versions take more).
#[test]
fn the_real_player_says_the_same() {
    let Some(vhs) = std::env::var_os("EXTOP_VHS_BIN") else {
        eprintln!("skipped: EXTOP_VHS_BIN names no vhs, so the lists of lines are not compared with what it says");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let takes = |text: &str| {
        let tape = folder.path().join("a.tape");
        std::fs::write(&tape, text).unwrap();
        let said = std::process::Command::new(&vhs).arg("validate").arg(tape).output().unwrap();
        said.status.success()
    };
    let refused: Vec<&str> = REFUSED_BY_VHS.iter().map(|(line, _)| *line).collect();
    let wrong: Vec<&&str> = refused.iter().filter(|line| takes(&around(line))).collect();
    assert!(wrong.is_empty(), "it takes {wrong:#?}");
    let near = TAKEN.iter().chain(ONLY_IN_VHS.iter().map(|(line, _)| line));
    let wrong: Vec<&&str> = near.filter(|line| !takes(&around(line))).collect();
    assert!(wrong.is_empty(), "it refuses {wrong:#?}");
    let tour = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/demo.tape")).unwrap();
    assert!(takes(&tour), "it refuses the tour");
}

#[test]
fn a_tape_that_starts_something_else_is_refused() {
    let tape = parse("Hide\nType \"rm -r x\"\nEnter\n").unwrap();
    let error = start(&tape).map(|_| ()).unwrap_err();
    assert!(error.starts_with("demo.tape, line 2: "), "{error}");
}
