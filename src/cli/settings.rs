//! The settings in effect: defaults, over them the file, over it the environment, over it the flags.

use clap::parser::ValueSource;

use super::options::Global;
use crate::backend::{Access, DatabaseAccess};
use crate::config::file::Placed;
use crate::config::{ConfigFile, NamespaceChoice, Origin, Place, Setting, Settings, duration, ignore, no_color};
use crate::domain::findings::ignored::Ignored;

/// Where clap found the value of an option, by the option's name in the program.
type Source<'a> = &'a dyn Fn(&str) -> Option<ValueSource>;

/// Chooses for each setting, and remembers where it came from.
pub(super) fn settings(global: &Global, file: &ConfigFile, source: Source<'_>) -> Settings {
    let mut layers = Layers {
        file,
        source,
        told: Vec::new(),
    };
    let context = layers.choose("context", global.context.clone(), file.context.as_ref());
    layers.tell("context", context.as_deref().unwrap_or("the kubeconfig's current one"));
    let named = layers.choose("namespace", global.namespace.clone(), file.namespace.as_ref());
    let namespace = match (global.all_namespaces, named.as_deref()) {
        (true, _) | (false, Some("*")) => NamespaceChoice::All,
        (false, Some(name)) => NamespaceChoice::Named(name.to_owned()),
        (false, None) => NamespaceChoice::OfContext,
    };
    layers.tell("namespace", named.as_deref().unwrap_or("the context's"));
    if global.all_namespaces {
        layers.correct("*", Origin::Flag("--all-namespaces".to_owned()));
    }
    let theme = layers.choose("theme", global.theme.clone(), file.theme.as_ref());
    layers.tell("theme", theme.as_deref().unwrap_or("dark"));
    let database = layers
        .choose("db", Some(global.db.into()), file.database.as_ref())
        .unwrap_or_default();
    layers.tell("db", word(database));
    let read_only = layers
        .choose("read-only", Some(global.read_only), file.read_only.as_ref())
        .unwrap_or(global.read_only);
    layers.tell("read-only", if read_only { "true" } else { "false" });
    let request_timeout = layers
        .choose("request-timeout", Some(global.request_timeout), file.request_timeout.as_ref())
        .unwrap_or(global.request_timeout);
    layers.tell("request-timeout", &duration::text(request_timeout));
    let ignored = layers.ignored();
    layers.only_given("kubeconfig", global.kubeconfig.as_ref().map(|file| file.display().to_string()));
    layers.only_given("log-file", global.log_file.as_ref().map(|file| file.display().to_string()));
    layers.only_given("log-level", Some(global.log_level.to_string()));
    layers.keys();
    Settings {
        place: Place { context, namespace },
        kubeconfig: global.kubeconfig.clone(),
        request_timeout,
        database,
        access: if read_only { Access::ReadOnly } else { Access::Write },
        theme,
        log_file: global.log_file.clone(),
        log_level: global.log_level,
        no_color: no_color(std::env::var_os("NO_COLOR").as_deref()),
        ignore: ignored,
        keymap: file.keymap.clone(),
        told: layers.told,
    }
}

struct Layers<'a> {
    file: &'a ConfigFile,
    source: Source<'a>,
    told: Vec<Setting>,
}

impl Layers<'_> {
    /// What flag or variable say, else the file, else the default. Where it came from is kept for [`Self::tell`].
    fn choose<T: Clone>(&mut self, name: &str, given: Option<T>, file: Option<&Placed<T>>) -> Option<T> {
        let (value, origin) = match (self.given(name), file) {
            (Some(origin), _) => (given, origin),
            (None, Some(placed)) => (Some(placed.value.clone()), Origin::File(self.file.path.clone(), placed.line)),
            (None, None) => (given, Origin::Default),
        };
        self.told.push(Setting {
            name: name.to_owned(),
            value: String::new(),
            origin,
        });
        value
    }

    fn tell(&mut self, name: &str, value: &str) {
        if let Some(setting) = self.told.last_mut().filter(|setting| setting.name == name) {
            value.clone_into(&mut setting.value);
        }
    }

    fn correct(&mut self, value: &str, origin: Origin) {
        if let Some(setting) = self.told.last_mut() {
            value.clone_into(&mut setting.value);
            setting.origin = origin;
        }
    }

    /// A setting that the file does not have.
    fn only_given(&mut self, name: &str, value: Option<String>) {
        let mut origin = self.given(name).unwrap_or(Origin::Default);
        let mut value = value.unwrap_or_else(|| "the usual one".to_owned());
        // kubectl's own variable is read by the library that reads the file.
        if name == "kubeconfig"
            && origin == Origin::Default
            && let Some(list) = std::env::var_os("KUBECONFIG")
        {
            origin = Origin::Environment("KUBECONFIG".to_owned());
            value = list.to_string_lossy().into_owned();
        }
        self.told.push(Setting {
            name: name.to_owned(),
            value,
            origin,
        });
    }

    /// The flag belongs to the verb that takes it, and goes over the file there.
    fn ignored(&mut self) -> Vec<Ignored> {
        let (ignored, origin) = match &self.file.ignore {
            Some(placed) => (placed.value.clone(), Origin::File(self.file.path.clone(), placed.line)),
            None => (Vec::new(), Origin::Default),
        };
        let value = if ignored.is_empty() {
            "nothing".to_owned()
        } else {
            ignore::text(&ignored)
        };
        self.told.push(Setting {
            name: "ignore".to_owned(),
            value,
            origin,
        });
        ignored
    }

    fn keys(&mut self) {
        for rebound in &self.file.rebound {
            let action = rebound.value;
            let keys: Vec<String> = self
                .file
                .keymap
                .iter()
                .filter(|binding| binding.action == action)
                .map(|binding| binding.chord.to_string())
                .collect();
            self.told.push(Setting {
                name: format!("keys.{}", action.as_str()),
                value: keys.join(" "),
                origin: Origin::File(self.file.path.clone(), rebound.line),
            });
        }
    }

    fn given(&self, name: &str) -> Option<Origin> {
        match (self.source)(&name.replace('-', "_"))? {
            ValueSource::CommandLine => Some(Origin::Flag(format!("--{name}"))),
            ValueSource::EnvVariable => Some(Origin::Environment(match name {
                "log-level" => "EXTOP_LOG".to_owned(),
                _ => format!("EXTOP_{}", name.replace('-', "_").to_uppercase()),
            })),
            _ => None,
        }
    }
}

fn word(access: DatabaseAccess) -> &'static str {
    match access {
        DatabaseAccess::Auto => "auto",
        DatabaseAccess::Tunnel => "tunnel",
        DatabaseAccess::Exec => "exec",
        DatabaseAccess::Off => "off",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::*;
    use crate::cli::options::Cli;

    /// The settings of a line and a file; options in `by_variable` count as given by the environment.
    fn of(line: &str, file: &str, by_variable: &[&str]) -> Settings {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let file = ConfigFile::parse(Path::new("config.toml"), file).unwrap();
        let source = |name: &str| {
            let flag = format!("--{}", name.replace('_', "-"));
            match (by_variable.contains(&name), line.contains(&flag)) {
                (true, _) => Some(ValueSource::EnvVariable),
                (_, true) => Some(ValueSource::CommandLine),
                _ => Some(ValueSource::DefaultValue),
            }
        };
        settings(&cli.global, &file, &source)
    }

    fn origin(settings: &Settings, name: &str) -> String {
        let setting = settings.told.iter().find(|setting| setting.name == name).unwrap();
        let detail = setting.origin.detail().unwrap_or_default();
        format!("{} {} {detail}", setting.value, setting.origin.as_str())
            .trim_end()
            .to_owned()
    }

    #[test]
    fn flags_go_over_the_environment_over_the_file_over_defaults() {
        let file = "context = 'a'\ndb = 'exec'\nread-only = true\nrequest-timeout = '1m'\nignore = ['fenced']\n[keys]\nzoom = 'f7'\n";
        let settings = of("extop --context b --db off", file, &["db"]);
        assert_eq!(settings.place.context.as_deref(), Some("b"));
        assert_eq!(settings.database, DatabaseAccess::Off);
        assert_eq!(settings.access, Access::ReadOnly);
        assert_eq!(origin(&settings, "context"), "b flag --context");
        assert_eq!(origin(&settings, "db"), "off environment EXTOP_DB");
        assert_eq!(origin(&settings, "read-only"), "true file config.toml:3");
        assert_eq!(origin(&settings, "request-timeout"), "1m file config.toml:4");
        assert_eq!(origin(&settings, "theme"), "dark default");
        assert_eq!(origin(&settings, "ignore"), "fenced file config.toml:5");
        assert_eq!(origin(&settings, "keys.zoom"), "f7 file config.toml:7");
    }

    #[test]
    fn all_namespaces_can_be_said_by_flag_and_by_file() {
        let named = "namespace = 'shop'";
        assert_eq!(of("extop -A", named, &[]).place.namespace, NamespaceChoice::All);
        assert_eq!(of("extop", "namespace = '*'", &[]).place.namespace, NamespaceChoice::All);
        let settings = of("extop --namespace other", named, &[]);
        assert_eq!(settings.place.namespace, NamespaceChoice::Named("other".to_owned()));
    }
}
