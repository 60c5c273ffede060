//! Caps on what the input may cost. One table: field, flag, default, meaning.

macro_rules! limits {
    ($($field:ident, $flag:literal, $default:expr, $doc:literal;)*) => {
        /// Caps on the input. Every field is a row of [`Limits::TABLE`].
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $(#[doc = $doc] pub $field: u64,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl Limits {
            /// Every cap with its flag, default and meaning, as the
            /// documentation shows it.
            pub const TABLE: &'static [Limit] = &[
                $(Limit { field: stringify!($field), flag: $flag, default: $default, meaning: $doc },)*
            ];

            /// The cap whose flag is `flag` (without dashes); 0 when there is
            /// none.
            pub fn get(&self, flag: &str) -> u64 {
                match flag {
                    $($flag => self.$field,)*
                    _ => 0,
                }
            }

            /// Sets the cap whose flag is `flag` (without dashes). `false`
            /// when there is none.
            pub fn set(&mut self, flag: &str, value: u64) -> bool {
                match flag {
                    $($flag => { self.$field = value; true })*
                    _ => false,
                }
            }
        }
    };
}

/// A row of [`Limits::TABLE`].
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Name in `flux-apim.yaml` and in [`Limits`].
    pub field: &'static str,
    /// Flag on the command line, without dashes.
    pub flag: &'static str,
    /// Default value.
    pub default: u64,
    /// What it caps.
    pub meaning: &'static str,
}

impl Limit {
    /// Whether it caps documents: what a project may lower for itself.
    pub fn of_documents(&self) -> bool {
        matches!(
            self.field,
            "max_depth" | "max_nodes" | "max_alias_nodes" | "max_bundled_bytes"
        )
    }
}

limits! {
    max_archive_bytes, "max-archive-bytes", 256 << 20, "Bytes of a source archive as it is stored or sent.";
    max_total_bytes, "max-total-bytes", 1 << 30, "Bytes of all files of a source together.";
    max_file_bytes, "max-file-bytes", 64 << 20, "Bytes of one file.";
    max_files, "max-files", 100_000, "Files and folders in a source.";
    max_path_bytes, "max-path-bytes", 1_024, "Bytes of one path.";
    max_path_depth, "max-path-depth", 64, "Folders and name of one path.";
    max_gzip_members, "max-gzip-members", 300_000, "Members of a gzip stream; bundles have one for each file, or three.";
    max_compression_ratio, "max-compression-ratio", 200, "Unpacked bytes for each packed byte of an archive, counted after the first MiB.";
    max_depth, "max-depth", 256, "Nesting of a JSON, YAML or policy document.";
    max_nodes, "max-nodes", 20_000_000, "Values in one JSON or YAML document, aliases expanded.";
    max_alias_nodes, "max-alias-nodes", 100_000, "Values that YAML aliases of one document expand to.";
    max_bundled_bytes, "max-bundled-bytes", 64 << 20, "Bytes of one definition after its references are bundled.";
    max_resources, "max-resources", 50_000, "Resources of a project, its links included.";
    max_findings, "max-findings", 10_000, "Findings of a run that are listed; the rest is counted.";
    max_findings_per_file, "max-findings-per-file", 1_000, "Findings of one rule in one file that are listed; the rest is counted.";
    max_steps, "max-steps", 20_000_000_000, "Steps of a run; looking at one value of a document is about one.";
    max_memory_bytes, "max-memory-bytes", 8 << 30, "Bytes that a run holds at once: documents, findings, rendered texts.";
}
