//! Rules about the images of entries, and about libraries that they lack.

use super::{Code, Found, Ladder, Remedy, RungKind, RungState, Subject, Verdict};
use crate::domain::extension::ExtensionEntry;
use crate::domain::fault::Fault;
use crate::domain::image::Reference;
use crate::domain::ladder::Rung;
use crate::domain::paths::PathSetting;
use crate::domain::requirements::{Fits, fits, is_pinned};

impl Found<'_> {
    pub(super) fn images(&mut self, ladders: &[Ladder]) {
        for entry in self.world.entries_of(self.cluster) {
            self.pinned(&entry);
            self.made_for(&entry);
        }
        for ladder in ladders {
            self.directory_missing(ladder);
            self.preload_not_asked(ladder);
            self.library_missing(ladder);
        }
    }

    fn about(&mut self, entry: &str, code: Code, message: String, remedy_text: String, remedy: Remedy) {
        self.say(Verdict {
            code,
            subject: Subject::Entry(entry.to_owned()),
            message,
            remedy_text,
            remedy,
        });
    }

    fn pinned(&mut self, entry: &ExtensionEntry) {
        let reference = entry.reference.as_deref().and_then(|text| Reference::parse(text).ok());
        if reference.is_none_or(|reference| is_pinned(&reference)) {
            return;
        }
        self.about(
            &entry.name,
            Code::ReferenceNotPinned,
            format!(
                "{} names no version: a pod that is recreated may mount another image than its neighbours",
                entry.reference.as_deref().unwrap_or_default()
            ),
            "Name a tag with a version, or a digest".to_owned(),
            Remedy::ChangeImage(entry.name.clone()),
        );
    }

    fn made_for(&mut self, entry: &ExtensionEntry) {
        let name = &entry.name;
        let (code, message, remedy) = match fits(self.world, self.cluster, entry) {
            // Before 18 no image works, and that is said elsewhere.
            Some(Fits::OtherMajor { made, runs }) if runs >= 18 => (
                Code::MajorMismatch,
                format!("The image of {name} is made for PostgreSQL {made}, and the cluster runs {runs}"),
                format!("Use the image for PostgreSQL {runs}"),
            ),
            Some(Fits::OtherDistribution { made, operand }) => (
                Code::DistributionMismatch,
                format!(
                    "The image of {name} is made for {made}, and the operand is {operand}: its libraries may need others that are not there"
                ),
                format!("Use the image for {operand}"),
            ),
            _ => return,
        };
        self.about(name, code, message, remedy, Remedy::ChangeImage(name.clone()));
    }

    fn preload_not_asked(&mut self, ladder: &Ladder) {
        let asked = ladder
            .rung(RungKind::Requested)
            .is_some_and(|rung| !matches!(rung.state, RungState::NotApplicable | RungState::Unknown));
        let broken = ladder.rung(RungKind::Preloaded).filter(|rung| rung.state == RungState::Broken);
        let Some(fault @ Fault::PreloadNotAsked(_)) = broken.and_then(Rung::fault).filter(|_| asked) else {
            return;
        };
        self.about(
            &ladder.entry,
            Code::PreloadNotAsked,
            format!("{}: {fault}", ladder.entry),
            "Add its library to the preload libraries; the cluster restarts then".to_owned(),
            Remedy::ByHand,
        );
    }

    fn directory_missing(&mut self, ladder: &Ladder) {
        let missing = ladder.rung(RungKind::OnPath).and_then(|rung| {
            rung.broken().find_map(|(line, fault)| match fault {
                Fault::DirectoryMissing { setting, .. } => Some((line, fault, *setting)),
                _ => None,
            })
        });
        let Some((line, fault, setting)) = missing else { return };
        let entry = &ladder.entry;
        let declared = self.cluster.spec.extensions.iter().find(|declared| declared.name == *entry);
        let (field, own) = match setting {
            PathSetting::ExtensionControlPath => ("extension_control_path", declared.map(|entry| &entry.control_paths)),
            PathSetting::DynamicLibraryPath => ("dynamic_library_path", declared.map(|entry| &entry.library_paths)),
            PathSetting::LdLibraryPath => ("ld_library_path", declared.map(|entry| &entry.ld_paths)),
            PathSetting::Path => ("bin_path", declared.map(|entry| &entry.bin_paths)),
        };
        // Without a list of its own the catalog's or the default directories are taken.
        let verb = if own.is_some_and(|own| !own.is_empty()) {
            "Correct"
        } else {
            "Use an image that has it, or set"
        };
        self.about(
            entry,
            Code::DirectoryMissing,
            format!("On {}, {fault}", line.subject),
            format!("{verb} {field} of {entry}: name directories that the image has"),
            Remedy::ByHand,
        );
    }

    fn library_missing(&mut self, ladder: &Ladder) {
        let missing = ladder.rung(RungKind::Available).and_then(|rung| {
            let mut broken = rung.broken();
            broken.find(|(_, fault)| matches!(fault, Fault::LibraryMissing(_)))
        });
        let Some((line, fault)) = missing else { return };
        self.about(
            &ladder.entry,
            Code::LibraryMissing,
            format!("On {}, {fault}; pg_available_extensions does not show this", line.subject),
            "Use an image that has the library".to_owned(),
            Remedy::ChangeImage(ladder.entry.clone()),
        );
    }
}
