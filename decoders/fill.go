package decoders

import "meldefunk/city"

// scaleTolerance is how far a distance may lie beyond the calibrated range before the
// capped fill level is marked out_of_scale, in % of the span from empty to full. 2 % is
// 24 mm in a container of 1.2 m: the unevenness of a bag or a slightly bent lid.
const scaleTolerance = 2

// putFillLevel adds the fill level where r has a distance: 0 % at the calibrated empty
// distance, 100 % at the full one, in between in proportion, for a container of constant
// cross section. Beyond either end the level is capped, with fault out_of_scale when it is
// more than scaleTolerance. An asset without calibration, or with one that spans nothing,
// gives fault uncalibrated and no level.
func putFillLevel(r *city.Reading, a *city.Asset) {
	distance, measured := r.Value(city.Distance)
	if !measured {
		return
	}
	if a == nil || a.Bin == nil || !(a.Bin.Empty > a.Bin.Full) {
		fault(r, city.FaultUncalibrated)
		return
	}
	level := fillLevel(a.Bin, distance)
	if level < -scaleTolerance || level > 100+scaleTolerance {
		fault(r, city.FaultOutOfScale)
	}
	put(r, city.FillLevel, min(max(level, 0), 100))
}

// fillLevel is in %, not capped; distance in mm as measured.
func fillLevel(c *city.BinCalibration, distance float64) float64 {
	return (c.Empty - (distance + c.Offset)) / (c.Empty - c.Full) * 100
}
