//! Longer pages: for those who come from elsewhere, and for those who want to know why.
//!
//! | page | tells |
//! |---|---|
//! | [`python`] | each name of Python's treq, of Twisted's client and of Zerynth's `requests`, and what it is here |
//! | [`reqwest`] | each name of reqwest's, and what behaves otherwise |
//! | [`defaults`] | every default, its reason, and how to change it |
//! | [`differences`] | where treq does something else than Python's treq on purpose |

// Before each page stand the pages as modules, ahead of its own links to their files: the first definition counts.
// Not for tests, which name the file of the first.

#[cfg_attr(not(doctest), doc = include_str!("../guide/links.md"))]
#[doc = include_str!("../guide/defaults.md")]
pub mod defaults {}
#[cfg_attr(not(doctest), doc = include_str!("../guide/links.md"))]
#[doc = include_str!("../guide/differences.md")]
pub mod differences {}
#[cfg_attr(not(doctest), doc = include_str!("../guide/links.md"))]
#[doc = include_str!("../guide/python.md")]
pub mod python {}
#[cfg_attr(not(doctest), doc = include_str!("../guide/links.md"))]
#[doc = include_str!("../guide/reqwest.md")]
pub mod reqwest {}
