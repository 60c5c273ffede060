//! How much memory this process may have, and how many threads.

use std::fs;
use std::path::Path;
use std::thread;

/// The memory of jobs when nothing says how much there is.
const WITHOUT_LIMIT: u64 = 1 << 30;
/// Percent of what the container has: the rest is for the program, connections, and
/// what the allocator keeps.
const PERCENT: u64 = 60;
/// A cap of a cgroup that is none.
const UNLIMITED: u64 = 1 << 60;

/// The memory that jobs may hold unless somebody says otherwise, in bytes: a part of
/// what the cgroup of this process has.
pub(crate) fn default_memory() -> u64 {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    limit(&own, Path::new("/sys/fs/cgroup")).map_or(WITHOUT_LIMIT, |limit| limit / 100 * PERCENT)
}

/// Threads of one job unless somebody says otherwise: one for each core, up to a number
/// beyond which other jobs make better use of a processor.
pub(crate) fn default_threads() -> usize {
    thread::available_parallelism()
        .map_or(2, usize::from)
        .min(4)
}

/// The least cap of the cgroups in `own` (`/proc/self/cgroup`) and those above them.
fn limit(own: &str, root: &Path) -> Option<u64> {
    let mut least = None;
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (base, file) = if controllers.is_empty() {
            (root.to_owned(), "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            (root.join("memory"), "memory.limit_in_bytes")
        } else {
            continue;
        };
        // In a container the path may be that of the host; its root is then our own.
        let own = base.join(path.trim_start_matches('/'));
        let above = own
            .ancestors()
            .take_while(|folder| folder.starts_with(&base));
        let caps = above.filter_map(|folder| fs::read_to_string(folder.join(file)).ok());
        let caps = caps.filter_map(|text| text.trim().parse::<u64>().ok());
        least = caps.chain(least).filter(|cap| *cap < UNLIMITED).min();
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_least_cap_above_the_process_counts() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(limit("0::/pods/one\n", root), None);
        write(root, "pods/memory.max", "1610612736\n");
        write(root, "pods/one/memory.max", "max\n");
        write(root, "pods/two/memory.max", "1000\n");
        assert_eq!(limit("0::/pods/one\n", root), Some(1_610_612_736));
        assert_eq!(limit("0::/pods/two\n", root), Some(1000));
        assert_eq!(limit("0::/\n", root), None);
    }

    #[test]
    fn the_older_kind_of_cgroups_is_read_too() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "memory/memory.limit_in_bytes", "5000\n");
        let own = "5:memory:/kubepods/of/the/host\n4:cpu,cpuacct:/x\nnonsense\n";
        assert_eq!(limit(own, root), Some(5000));
        write(
            root,
            "memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        );
        assert_eq!(limit(own, root), None);
    }
}
