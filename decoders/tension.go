package decoders

import "meldefunk/city"

// putSoilTension adds the tension where r has the frequency of a resistive probe, an IRROMETER
// WATERMARK: straight lines between the points of the curve. Like the vendor's own decoder it
// does not correct for the temperature of the soil. Drier than the last point the probe does
// not measure: the value is capped and marked out_of_scale.
//
// From kPa on there is no way to usable field capacity that a vendor documents: it needs the
// water retention curve of the soil at the place.
func putSoilTension(r *city.Reading) {
	hertz, measured := r.Value(city.WatermarkFrequency)
	if !measured {
		return
	}
	if _, there := r.Value(city.SoilTension); there {
		return
	}
	if hertz < watermark[len(watermark)-1].hertz {
		fault(r, city.FaultOutOfScale)
	}
	put(r, city.SoilTension, watermarkTension(hertz))
}

// watermark is the curve, from wet to dry. (Tektelic agriculture sensor technical reference
// manual, "Watermark"; the vendor's decoder has the same points.)
var watermark = [...]struct{ hertz, kPa float64 }{
	{6430, 0}, {4330, 9}, {2820, 15}, {1110, 35}, {770, 55}, {600, 75}, {485, 100}, {293, 200},
}

// watermarkTension gives kPa, from 0 to 200.
func watermarkTension(hertz float64) float64 {
	wet := watermark[0]
	for _, dry := range watermark[1:] {
		if hertz >= dry.hertz {
			return max(0, dry.kPa-(hertz-dry.hertz)/(wet.hertz-dry.hertz)*(dry.kPa-wet.kPa))
		}
		wet = dry
	}
	return wet.kPa
}
