//! Squarified treemaps: rectangles whose areas are as their weights, each as square as can be.

/// A rectangle: left, top, width and height.
pub type Area = (f64, f64, f64, f64);

/// The place of each weight in the area, in their order. Weights come largest first; one that is 0 has no place.
pub fn squarified(weights: &[u64], area: Area) -> Vec<Area> {
    let total: f64 = weights.iter().map(|weight| *weight as f64).sum();
    let (_, _, w, h) = area;
    if total <= 0.0 {
        return Vec::new();
    }
    let sizes: Vec<f64> = weights.iter().map(|weight| *weight as f64 / total * w * h).collect();
    let (mut places, mut left, mut at) = (Vec::new(), area, 0);
    while at < sizes.len() && sizes[at] > 0.0 {
        let side = left.2.min(left.3);
        let mut end = at + 1;
        while end < sizes.len() && worst(&sizes[at..=end], side) <= worst(&sizes[at..end], side) {
            end += 1;
        }
        left = lay(&sizes[at..end], left, &mut places);
        at = end;
    }
    places
}

/// The most oblong of a row, as the longer side over the shorter one.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let ratio = |size: &f64| {
        let (along, across) = (size * side / sum, sum / side);
        (along / across).max(across / along)
    };
    row.iter().map(ratio).fold(0.0, f64::max)
}

/// Puts a row along the shorter side. Answers what is left of the area.
fn lay(row: &[f64], (x, y, w, h): Area, places: &mut Vec<Area>) -> Area {
    let sum: f64 = row.iter().sum();
    let is_upright = w >= h;
    let side = if is_upright { h } else { w };
    let thick = if side > 0.0 { sum / side } else { 0.0 };
    let mut along = 0.0;
    for size in row {
        let length = if thick > 0.0 { size / thick } else { 0.0 };
        places.push(match is_upright {
            true => (x, y + along, thick, length),
            false => (x + along, y, length, thick),
        });
        along += length;
    }
    match is_upright {
        true => (x + thick, y, (w - thick).max(0.0), h),
        false => (x, y + thick, w, (h - thick).max(0.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_as_weights_and_stay_inside() {
        let weights = [600, 400, 300, 200, 100, 50, 3, 1, 0];
        let places = squarified(&weights, (10.0, 20.0, 300.0, 200.0));
        assert_eq!(places.len(), 8, "what weighs nothing has no place");
        for ((x, y, w, h), weight) in places.iter().zip(weights) {
            let wanted = weight as f64 / 1654.0 * 60_000.0;
            assert!((w * h - wanted).abs() < 0.01, "{weight}: {w} x {h}");
            assert!(*x >= 9.99 && *y >= 19.99 && x + w <= 310.01 && y + h <= 220.01);
        }
        assert_eq!(squarified(&[0, 0], (0.0, 0.0, 1.0, 1.0)), []);
    }
}
