//! Rules about the images of entries, and about libraries that they lack.

use super::{Code, Found, Ladder, Remedy, RungKind, RungState, Subject, Verdict, wanted_entries};
use crate::domain::extension::ExtensionEntry;
use crate::domain::fault::Fault;
use crate::domain::image::{Reference, extension_tag, operand_distribution};
use crate::domain::ladder::Rung;

impl Found<'_> {
    pub(super) fn images(&mut self, ladders: &[Ladder]) {
        for entry in wanted_entries(self.world, self.cluster) {
            let Some(reference) = entry.reference.as_deref().and_then(|text| Reference::parse(text).ok()) else {
                continue;
            };
            self.pinned(&entry, &reference);
            self.made_for(&entry, &reference);
        }
        for ladder in ladders {
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

    fn pinned(&mut self, entry: &ExtensionEntry, reference: &Reference) {
        if reference.digest.is_some() || reference.tag.as_deref().is_some_and(|tag| tag != "latest") {
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

    fn made_for(&mut self, entry: &ExtensionEntry, reference: &Reference) {
        let Some(made) = reference.tag.as_deref().and_then(extension_tag) else {
            return;
        };
        let resolved = self.cluster.status.resolved.as_ref();
        let major = resolved.and_then(|resolved| resolved.major);
        // Before 18 no image works, and that is said elsewhere.
        if let Some(major) = major.filter(|major| *major >= 18 && *major != made.major) {
            self.about(
                &entry.name,
                Code::MajorMismatch,
                format!(
                    "The image of {} is made for PostgreSQL {}, and the cluster runs {major}",
                    entry.name, made.major
                ),
                format!("Use the image for PostgreSQL {major}"),
                Remedy::ChangeImage(entry.name.clone()),
            );
        }
        let operand = self.cluster.status.image.as_deref().and_then(|image| Reference::parse(image).ok());
        let tag = operand.as_ref().and_then(|operand| operand.tag.as_deref());
        let Some(distribution) = tag.and_then(operand_distribution).filter(|name| *name != made.distribution) else {
            return;
        };
        self.about(
            &entry.name,
            Code::DistributionMismatch,
            format!(
                "The image of {} is made for {}, and the operand is {distribution}: its libraries may need others that are not there",
                entry.name, made.distribution
            ),
            format!("Use the image for {distribution}"),
            Remedy::ChangeImage(entry.name.clone()),
        );
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

    fn library_missing(&mut self, ladder: &Ladder) {
        let missing = ladder.rung(RungKind::Available).and_then(|rung| {
            let mut broken = rung.broken();
            broken.find(|(_, fault)| matches!(fault, Fault::LibraryMissing(_)))
        });
        let Some((line, fault)) = missing else { return };
        self.about(
            &ladder.entry,
            Code::LibraryMissing,
            format!("On {}, {fault}; the views of PostgreSQL look perfect without it", line.subject),
            "Use an image that has the library".to_owned(),
            Remedy::ChangeImage(ladder.entry.clone()),
        );
    }
}
