//! Span-preserving trees for JSON and YAML.
