package city

import (
	"fmt"
	"strings"
)

// SoilCalibration turns volumetric water content into usable field capacity (nutzbare
// Feldkapazität, nFK): 0 % where plants wilt, 100 % where the soil holds no more against
// gravity. Both in % volumetric water content.
type SoilCalibration struct {
	FieldCapacity float64 // at pF 1.8, more than WiltingPoint
	WiltingPoint  float64 // at pF 4.2
}

// soilType is one line of the table of soil types: field capacity and usable field capacity,
// both % by volume.
type soilType struct {
	name                  string
	fieldCapacity, usable float64
}

// soilTypes gives the German soil types for a medium dry bulk density, 1.4 to 1.6 g/cm³
// (ρt3), low in humus; Hh and Hn are bog and fen peat. Planting substrates in tree pits are
// not in it: their values are in the data sheet.
//
// Source: Ad-hoc-AG Boden, Bodenkundliche Kartieranleitung, 5th edition (KA5), Hannover 2005,
// table 70, soil types as in DIN 4220; figures as in zalf-rpm/monica-parameters,
// soil/SoilCharacteristicData.json.
var soilTypes = [...]soilType{
	{"Hh", 82, 65},
	{"Hn", 59, 29},
	{"Ls2", 30, 14},
	{"Ls3", 28, 12},
	{"Ls4", 27, 12},
	{"Lt2", 30, 10},
	{"Lt3", 33, 9},
	{"Lts", 32, 11},
	{"Lu", 32, 13},
	{"Sl2", 21, 13},
	{"Sl3", 23, 13},
	{"Sl4", 25, 12},
	{"Slu", 27, 15},
	{"Ss", 12, 9},
	{"St2", 18, 10},
	{"St3", 26, 12},
	{"Su2", 20, 15},
	{"Su3", 24, 17},
	{"Su4", 25, 18},
	{"Tl", 39, 8},
	{"Ts2", 37, 10},
	{"Ts3", 31, 10},
	{"Ts4", 29, 11},
	{"Tt", 41, 7},
	{"Tu2", 39, 9},
	{"Tu3", 36, 12},
	{"Tu4", 33, 13},
	{"Uls", 29, 18},
	{"Us", 29, 19},
	{"Ut2", 29, 18},
	{"Ut3", 31, 18},
	{"Ut4", 33, 16},
	{"Uu", 32, 21},
	{"fS", 15, 11},
	{"mS", 12, 9},
	{"gS", 8, 5},
}

// SoilTypes lists the names that SoilOfType knows.
func SoilTypes() []string {
	names := make([]string, len(soilTypes))
	for i, t := range soilTypes {
		names[i] = t.name
	}
	return names
}

// SoilOfType gives the calibration of a German soil type (Bodenart), "Sl3", in any case. The
// real field capacity at a site differs by several points with density, humus and stones:
// measured values are better.
func SoilOfType(name string) (SoilCalibration, error) {
	for _, t := range soilTypes {
		if strings.EqualFold(t.name, name) {
			return SoilCalibration{FieldCapacity: t.fieldCapacity, WiltingPoint: t.fieldCapacity - t.usable}, nil
		}
	}
	return SoilCalibration{}, fmt.Errorf("unknown soil type %.40q: want one of %s", name, strings.Join(SoilTypes(), ", "))
}
