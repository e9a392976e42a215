package decoders

import (
	"math"

	"meldefunk/city"
)

// scaleTolerance is how far a distance may lie beyond the calibrated range before the
// capped fill level is marked out_of_scale, in % of the span from empty to full. 2 % is
// 24 mm in a container of 1.2 m: the unevenness of a bag or a slightly bent lid.
const scaleTolerance = 2

// putFillLevel adds the fill level where r has a distance and the asset a calibration: 0 %
// at the calibrated empty distance, 100 % at the full one, in between by the container's
// shape. Beyond either end the level is capped, with fault out_of_scale when it is more than
// scaleTolerance.
//
// A level that the device computed itself gives way to the calibrated one, and stays where
// there is no calibration. A bin with a distance and neither has fault uncalibrated; so has
// every asset whose calibration spans nothing.
func putFillLevel(bin bool, a *city.Asset, r *city.Reading) {
	if !bin && (a == nil || a.Bin == nil) {
		return
	}
	distance, measured := r.Value(city.Distance)
	if !measured {
		return
	}
	if a == nil || a.Bin == nil {
		if _, own := r.Value(city.FillLevel); !own {
			fault(r, city.FaultUncalibrated)
		}
		return
	}
	if !calibrated(a.Bin) {
		fault(r, city.FaultUncalibrated)
		return
	}
	level, beyond := fillLevel(a.Bin, distance+a.Bin.Offset)
	if beyond > scaleTolerance {
		fault(r, city.FaultOutOfScale)
	}
	put(r, city.FillLevel, min(max(level, 0), 100))
}

// calibrated tells whether a calibration spans anything, in order.
func calibrated(c *city.BinCalibration) bool {
	if c.Shape == city.Table {
		return c.Strapping != nil && len(c.Strapping.Points) >= 2 && rising(c.Strapping.Points)
	}
	return c.Shape < city.Table && c.Empty > c.Full && c.Height >= 0
}

func rising(points []city.LevelPoint) bool {
	for i := 1; i < len(points); i++ {
		if !(points[i].Distance > points[i-1].Distance) {
			return false
		}
	}
	return true
}

// fillLevel is in %, not capped; distance in mm, offset included. beyond is how far the
// distance lies outside of the calibrated range, in % of its span; negative inside.
func fillLevel(c *city.BinCalibration, distance float64) (level, beyond float64) {
	if c.Shape == city.Table {
		return tableLevel(c.Strapping.Points, distance)
	}
	span := c.Empty - c.Full
	height := c.Empty - distance
	level = height / span * 100
	beyond = max(-level, level-100)
	if c.Shape == city.Linear {
		return level, beyond
	}
	part := cylinderPart
	if c.Shape == city.Sphere {
		part = spherePart
	}
	if c.Height == 0 { // full is full
		return part(height/span) * 100, beyond
	}
	return part(height/c.Height) / part(span/c.Height) * 100, beyond
}

// cylinderPart is the filled part of a lying cylinder: the area of a circle's segment. h is
// height by diameter, taken as 0 to 1.
func cylinderPart(h float64) float64 {
	h = min(max(h, 0), 1)
	x := 1 - 2*h
	return (math.Acos(x) - x*math.Sqrt(1-x*x)) / math.Pi
}

// spherePart is the filled part of a sphere: the volume of its cap.
func spherePart(h float64) float64 {
	h = min(max(h, 0), 1)
	return h * h * (3 - 2*h)
}

// tableLevel interpolates between the two points around the distance, and takes the nearest
// beyond the ends.
func tableLevel(points []city.LevelPoint, distance float64) (level, beyond float64) {
	first, last := points[0], points[len(points)-1]
	span := last.Distance - first.Distance
	beyond = max(first.Distance-distance, distance-last.Distance) / span * 100
	switch {
	case distance <= first.Distance:
		return first.Level, beyond
	case distance >= last.Distance:
		return last.Level, beyond
	}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if distance <= b.Distance {
			return a.Level + (b.Level-a.Level)*(distance-a.Distance)/(b.Distance-a.Distance), beyond
		}
	}
	return math.NaN(), beyond // the distance is no number
}
