package sim

import (
	"math"
	"time"
)

// weather of the city. The curves are plausible for north-west Germany (mild winters,
// rain all year, warmest in July); they are not a record of any station.
type weather struct{ seed uint64 }

const (
	wetDays    = 0.36 // share of days with rain
	meanRain   = 6.0  // mm on a wet day
	mostRain   = 35.0 // mm
	yearMean   = 10.2 // °C
	yearSwing  = 8.2  // °C, half the difference of July and January
	daySwing   = 4.0  // °C, half the difference of afternoon and night
	moodSwing  = 8.0  // °C, widest difference of one day from the next
	hottestDay = 200  // day of the year
)

// rain in mm/h.
func (w weather) rain(wall time.Time) float64 {
	day := dayNumber(wall)
	if lot(w.seed, lotWet, day) >= wetDays {
		return 0
	}
	hours := 2 + 6*lot(w.seed, lotRainHours, day)
	begin := (24 - hours) * lot(w.seed, lotRainStart, day)
	if h := hourOf(wall); h < begin || h >= begin+hours {
		return 0
	}
	amount := min(mostRain, -meanRain*math.Log(1-lot(w.seed, lotRain, day)))
	return amount / hours
}

// air is the temperature in the shade, °C.
func (w weather) air(wall time.Time) float64 {
	hour := hourOf(wall)
	day := dayNumber(wall)
	today, tomorrow := lot(w.seed, lotMood, day), lot(w.seed, lotMood, day+1)
	mood := moodSwing * (today + (tomorrow-today)*hour/24 - 0.5)
	return yearMean + yearSwing*season(wall, hottestDay) + daySwing*math.Cos((hour-15)/24*2*math.Pi) + mood
}

// ground is the temperature 20 cm deep, °C: as the air, later and with less swing.
func (w weather) ground(wall time.Time) float64 {
	return yearMean + 0.5 + 7.5*season(wall, hottestDay+10) + math.Cos((hourOf(wall)-18)/24*2*math.Pi)
}

// thirst is what soil and tree give off, in mm/h: most at noon, nothing at night; 0.3 mm
// a day in winter, 4 mm in July.
func (w weather) thirst(wall time.Time) float64 {
	hour := hourOf(wall)
	if hour < 6 || hour > 20 {
		return 0
	}
	perDay := 2.15 + 1.85*season(wall, 190)
	const dayArea = 14 * 2 / math.Pi // of the half sine from 6 to 20 h
	return perDay / dayArea * math.Sin((hour-6)/14*math.Pi)
}

// season is 1 on the peak day of the year and -1 half a year away.
func season(wall time.Time, peak float64) float64 {
	return math.Cos((float64(wall.YearDay()) - peak) / 365.25 * 2 * math.Pi)
}
