//! What `cargo metadata` says, cut down to what the checks read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::run::{Outcome, cargo, output};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) edition: String,
    pub(crate) licence: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) readme: Option<String>,
    pub(crate) rust_version: Option<String>,
    /// False where the manifest says `publish = false`.
    pub(crate) published: bool,
    /// The folder that the manifest stands in.
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    /// Everything in the lock file.
    pub(crate) packages: Vec<Package>,
    pub(crate) members: Vec<String>,
    pub(crate) default_members: Vec<String>,
    /// Package id to the ids that it depends on.
    pub(crate) graph: BTreeMap<String, Vec<(String, Vec<Kind>)>>,
}

impl Metadata {
    /// Of this workspace, every feature on, for every platform.
    pub(crate) fn load() -> Outcome<Self> {
        let text = output(&mut cargo(&["metadata", "--format-version", "1", "--all-features"])?)?;
        let value = serde_json::from_str(&text).map_err(|error| format!("`cargo metadata`: {error}"))?;
        Self::read(&value).map_err(|error| format!("`cargo metadata`: {error}"))
    }

    pub(crate) fn read(value: &Value) -> Outcome<Self> {
        let graph = list(&value["resolve"]["nodes"], "resolve.nodes")?.iter().map(|node| {
            let edges = list(&node["deps"], "deps")?.iter().map(|edge| {
                let kinds = list(&edge["dep_kinds"], "dep_kinds")?.iter().map(|it| kind(&it["kind"]));
                Ok((text(&edge["pkg"], "pkg")?, kinds.collect::<Outcome<_>>()?))
            });
            Ok((text(&node["id"], "id")?, edges.collect::<Outcome<_>>()?))
        });
        Ok(Self {
            root: text(&value["workspace_root"], "workspace_root")?.into(),
            target: text(&value["target_directory"], "target_directory")?.into(),
            packages: list(&value["packages"], "packages")?.iter().map(package).collect::<Outcome<_>>()?,
            members: texts(&value["workspace_members"], "workspace_members")?,
            default_members: texts(&value["workspace_default_members"], "workspace_default_members")?,
            graph: graph.collect::<Outcome<_>>()?,
        })
    }

    pub(crate) fn workspace(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.members.contains(&package.id))
    }

    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.workspace().filter(|package| package.published)
    }
}

fn package(value: &Value) -> Outcome<Package> {
    let name = text(&value["name"], "name")?;
    let within = |error: String| format!("package {name}: {error}");
    let manifest = PathBuf::from(text(&value["manifest_path"], "manifest_path").map_err(within)?);
    let folder = manifest.parent().ok_or_else(|| within("manifest_path has no folder".to_owned()))?;
    let dependencies = list(&value["dependencies"], "dependencies").map_err(within)?.iter();
    let dependencies =
        dependencies.map(|it| Ok(Dependency { name: text(&it["name"], "dependency")?, kind: kind(&it["kind"])? }));
    let features = value["features"].as_object().ok_or_else(|| within("no features".to_owned()))?;
    let features = features.iter().map(|(name, turns_on)| Ok((name.clone(), texts(turns_on, name)?)));
    Ok(Package {
        id: text(&value["id"], "id").map_err(within)?,
        version: text(&value["version"], "version").map_err(within)?,
        edition: text(&value["edition"], "edition").map_err(within)?,
        licence: optional(&value["license"]),
        description: optional(&value["description"]),
        readme: optional(&value["readme"]),
        rust_version: optional(&value["rust_version"]),
        // null is "anywhere", a list names the registries, and an empty one is what `publish = false` becomes.
        published: value["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
        folder: folder.to_path_buf(),
        dependencies: dependencies.collect::<Outcome<_>>().map_err(within)?,
        features: features.collect::<Outcome<_>>().map_err(within)?,
        name,
    })
}

fn kind(value: &Value) -> Outcome<Kind> {
    match value.as_str() {
        None => Ok(Kind::Normal),
        Some("dev") => Ok(Kind::Dev),
        Some("build") => Ok(Kind::Build),
        Some(other) => Err(format!("a dependency of kind {other:?}")),
    }
}

fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn text(value: &Value, what: &str) -> Outcome<String> {
    optional(value).ok_or_else(|| format!("{what} is no string"))
}

fn list<'a>(value: &'a Value, what: &str) -> Outcome<&'a Vec<Value>> {
    value.as_array().ok_or_else(|| format!("{what} is no list"))
}

fn texts(value: &Value, what: &str) -> Outcome<Vec<String>> {
    list(value, what)?.iter().map(|it| text(it, what)).collect()
}

#[cfg(test)]
impl Package {
    /// A published package of which only the name is told.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            id: name.to_owned(),
            name: name.to_owned(),
            version: String::new(),
            edition: String::new(),
            licence: None,
            description: None,
            readme: None,
            rust_version: None,
            published: true,
            folder: PathBuf::new(),
            dependencies: Vec::new(),
            features: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_packages_edges_and_members() {
        let value = json!({
            "workspace_root": "w", "target_directory": "w/target",
            "workspace_members": ["a"], "workspace_default_members": ["a"],
            "packages": [
                {"id": "a", "name": "a", "version": "0.1.0", "edition": "2024", "license": "MIT", "publish": [],
                 "manifest_path": "w/crates/a/Cargo.toml", "features": {"default": ["x"], "x": []},
                 "dependencies": [{"name": "b", "kind": null}, {"name": "c", "kind": "dev"}]},
                {"id": "b", "name": "b", "version": "1.0.0", "edition": "2021", "publish": null,
                 "manifest_path": "b/Cargo.toml", "features": {}, "dependencies": [], "rust_version": "1.85"},
            ],
            "resolve": {"nodes": [{"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": null}]}]}]},
        });
        let metadata = Metadata::read(&value).unwrap();
        let a = metadata.workspace().next().unwrap();
        assert_eq!((a.name.as_str(), a.published, a.folder.to_str()), ("a", false, Some("w/crates/a")));
        assert_eq!(a.dependencies.iter().map(|it| it.kind).collect::<Vec<_>>(), [Kind::Normal, Kind::Dev]);
        assert_eq!(a.features["default"], ["x"]);
        assert!(metadata.packages[1].published);
        assert_eq!(metadata.graph["a"], [("b".to_owned(), vec![Kind::Normal])]);
    }

    #[test]
    fn says_what_is_missing() {
        let value = json!({"packages": [{"name": "a"}], "resolve": {"nodes": []}, "workspace_root": "",
                           "target_directory": ""});
        assert_eq!(Metadata::read(&value).unwrap_err(), "package a: manifest_path is no string");
    }
}
