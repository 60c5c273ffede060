//! Circles in what refers to each other.

/// Shows the circles among things by number, whose `edges` lead to others: each is a
/// part of a way, with the edge that leads from each thing to the next, the last one
/// back to the first. Each thing is looked at once. Does not recurse.
pub(crate) fn circles(
    edges: &[Vec<usize>],
    mut step: impl FnMut(),
    mut found: impl FnMut(&[(usize, usize)]),
) {
    let mut done = vec![false; edges.len()];
    // Where on the way a thing stands.
    let mut place = vec![None; edges.len()];
    for start in 0..edges.len() {
        if std::mem::replace(&mut done[start], true) {
            continue;
        }
        let mut way = vec![(start, 0)];
        place[start] = Some(0);
        let mut next = 0;
        while let Some(last) = way.last_mut() {
            step();
            let Some(target) = edges[last.0].get(next).copied() else {
                place[last.0] = None;
                way.pop();
                next = way.last().map_or(0, |(_, edge)| edge + 1);
                continue;
            };
            last.1 = next;
            if let Some(from) = place[target] {
                found(&way[from..]);
                next += 1;
            } else if std::mem::replace(&mut done[target], true) {
                next += 1;
            } else {
                place[target] = Some(way.len());
                way.push((target, 0));
                next = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::circles;

    #[test]
    fn each_circle_is_shown_with_its_way() {
        // 0 > 1 > 2 > 1, 2 > 0, 3 > 3, 4 > 0.
        let edges = [vec![1], vec![2], vec![1, 0], vec![3], vec![0]];
        let mut all = Vec::new();
        circles(&edges, || (), |way| all.push(way.to_vec()));
        assert_eq!(
            all,
            [
                vec![(1, 0), (2, 0)],
                vec![(0, 0), (1, 0), (2, 1)],
                vec![(3, 0)]
            ]
        );
    }
}
