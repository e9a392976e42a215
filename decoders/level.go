package decoders

import "meldefunk/city"

// putWaterLevel adds the water level where r has a distance and the asset a gauge zero: zero
// minus distance, in mm, negative below the zero. Water hundreds of metres deep, as of a gauge
// zero with a digit too many, is implausible.
//
// A level that the device computed itself gives way to the calibrated one, and stays where
// there is no calibration. An asset of water with a distance and no calibration, neither of
// its level nor of a fill level, has fault uncalibrated.
func putWaterLevel(a *city.Asset, r *city.Reading) {
	if a == nil || a.Kind != city.Level && a.Level == nil {
		return
	}
	distance, measured := r.Value(city.Distance)
	if !measured {
		return
	}
	if a.Level == nil {
		_, own := r.Value(city.WaterLevel)
		_, filled := r.Value(city.FillLevel)
		if !own && !filled {
			fault(r, city.FaultUncalibrated)
		}
		return
	}
	put(r, city.WaterLevel, a.Level.Zero-distance)
}
