//! Examples of treq, one per idea.
