package decoders

import "meldefunk/city"

// putFieldCapacity adds the usable field capacity (nFK) where r has a volumetric water
// content and the asset a calibration: the water that plants can take, in % of what the soil
// can hold for them. Below the wilting point it is 0 %; above field capacity, after rain or
// on wet ground, 100 %. Both ends are capped, and marked out_of_scale when more than
// soilTolerance beyond.
func putFieldCapacity(a *city.Asset, r *city.Reading) {
	if a == nil || a.Soil == nil {
		return
	}
	moisture, measured := r.Value(city.SoilMoisture)
	if !measured {
		return
	}
	fieldCapacity, wiltingPoint := a.Soil.FieldCapacity, a.Soil.WiltingPoint
	if !(fieldCapacity > wiltingPoint && wiltingPoint >= 0 && fieldCapacity <= 100) {
		fault(r, city.FaultUncalibrated)
		return
	}
	level := (moisture - wiltingPoint) / (fieldCapacity - wiltingPoint) * 100
	if level < -soilTolerance || level > 100+soilTolerance {
		fault(r, city.FaultOutOfScale)
	}
	put(r, city.UsableFieldCapacity, min(max(level, 0), 100))
}

// soilTolerance is how far the water content may lie outside of the plants' range before the
// capped level is marked, in % of that range. Soil is above field capacity for a day or two
// after every good rain, so only what points to a wrong calibration or a flooded probe is
// marked: half as much again.
const soilTolerance = 50
