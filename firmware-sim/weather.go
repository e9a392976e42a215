package sim

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// weather of the city: for every day what falls and how warm it gets, drawn from the seed
// so that the months come out as measured. Any day can be asked for at any time.
type weather struct {
	seed   uint64
	script WeatherScript
	origin uint64 // day of the script's beginning
}

// WeatherScript puts a dry spell that ends in rain into the weather. The zero value
// leaves the weather as it is.
type WeatherScript struct {
	DryFrom int     `yaml:"dry_from"` // first dry day, counted from the day the play begins, which is 0
	DryDays int     `yaml:"dry_days"` // 1 to 365; 0: no script
	RainMM  float64 `yaml:"rain_mm"`  // what falls in the afternoon after the last dry day, 0 to 200 mm
}

// Validate returns every problem, joined.
func (s WeatherScript) Validate() error {
	var errs []error
	if s.DryFrom < 0 || s.DryFrom > 3650 {
		errs = append(errs, fmt.Errorf("weather.dry_from is %d: want the number of a day, 0 to 3650", s.DryFrom))
	}
	if s.DryDays < 0 || s.DryDays > 365 {
		errs = append(errs, fmt.Errorf("weather.dry_days is %d: want 0 to 365", s.DryDays))
	}
	if !(s.RainMM >= 0 && s.RainMM <= 200) { // written so that NaN fails
		errs = append(errs, fmt.Errorf("weather.rain_mm is %v: want 0 to 200", s.RainMM))
	}
	if s.DryDays == 0 && (s.RainMM != 0 || s.DryFrom != 0) {
		errs = append(errs, errors.New("weather.dry_days is missing: dry_from and rain_mm do nothing without it"))
	}
	return errors.Join(errs...)
}

// newWeather of a city whose play begins at a moment.
func newWeather(seed uint64, script WeatherScript, begin time.Time) weather {
	return weather{seed: seed, script: script, origin: dayNumber(wall(begin))}
}

// climate is what a month is like on average.
type climate struct {
	mean    float64 // °C
	rain    float64 // mm
	wetDays float64 // share of days with at least 0.1 mm
	swing   float64 // °C from the lowest to the highest temperature of a day
}

// Mean temperature and rain: long-term means until 2010 of Deutscher Wetterdienst, station
// 3815 Osnabrück (52.2553 N, 8.0534 E, 95 m), 9.3 °C and 846 mm a year. Wet days are
// assumed, 180 a year; the neighbouring station Münster/Osnabrück had 196 in 2004, with
// 825 mm. The daily swing is assumed.
var climates = [12]climate{
	{1.43, 78.42, 0.58, 5.0},
	{1.81, 56.16, 0.50, 6.0},
	{4.87, 64.22, 0.50, 7.5},
	{8.54, 50.08, 0.45, 9.5},
	{12.89, 63.20, 0.45, 10.5},
	{15.81, 75.40, 0.47, 10.5},
	{17.54, 82.88, 0.47, 10.5},
	{17.23, 81.99, 0.45, 10.5},
	{13.94, 69.12, 0.46, 9.5},
	{10.02, 65.67, 0.48, 7.5},
	{5.47, 74.78, 0.55, 5.5},
	{2.63, 84.47, 0.58, 4.5},
}

// Assumed: how much days differ, and how long weather holds.
const (
	moodSwing  = 3.2  // °C, one standard deviation of a day's mean from its normal
	moodHolds  = 0.75 // of a day's difference that is left the day after
	moodMemory = 10   // days
	wetHolds   = 0.45
	wetMemory  = 5
	clearSwing = 1.2  // times the swing on a dry day
	dullSwing  = 0.8  // and on a wet one
	niceFrom   = 19.0 // °C at the warmest hour of a dry day: people go to the park
	scriptWarm = 4.0  // °C above normal in a scripted dry spell
	warmHour   = 15.0 // warmest hour of the day
)

// day is the weather of one date.
type day struct {
	rain     float64 // mm
	from, to float64 // hours between which it falls, evenly
	mean     float64 // °C
	swing    float64 // °C
}

// on gives the weather of a day.
func (w weather) on(number uint64) day {
	date := dateOf(number)
	normal := normalOf(date)
	month := &climates[date.Month()-1]
	d := day{mean: normal.mean + moodSwing*w.lasting(lotMood, number, moodHolds, moodMemory)}
	wetness := w.lasting(lotWet, number, wetHolds, wetMemory)
	wet := 0.5*math.Erfc(wetness/math.Sqrt2) < month.wetDays
	if since := int64(number) - int64(w.origin) - int64(w.script.DryFrom); w.script.DryDays > 0 && since >= 0 {
		switch {
		case since < int64(w.script.DryDays):
			wet = false
			d.mean = max(d.mean, normal.mean+scriptWarm)
		case since == int64(w.script.DryDays) && w.script.RainMM > 0:
			d.rain, d.from, d.to, d.swing = w.script.RainMM, 14, 20, normal.swing*dullSwing
			return d
		}
	}
	if !wet {
		d.swing = normal.swing * clearSwing
		return d
	}
	d.swing = normal.swing * dullSwing
	// Amounts are exponential; short showers in summer, long rain in winter.
	days := month.wetDays * float64(daysOf(date))
	d.rain = -month.rain / days * math.Log(1-lot(w.seed, lotRain, number))
	hours := 2 + (14-month.mean/2)*lot(w.seed, lotRainHours, number)
	d.from = (24 - hours) * lot(w.seed, lotRainStart, number)
	d.to = d.from + hours
	return d
}

// lasting is a number of mean 0 and deviation 1 that belongs to a day and resembles that
// of the day before: a moving average of even lots with weights that fade.
func (w weather) lasting(what, number uint64, holds float64, memory int) float64 {
	sum, squares, weight := 0.0, 0.0, 1.0
	for k := range memory {
		sum += weight * bell(w.seed, what, number-uint64(k))
		squares += weight * weight
		weight *= holds
	}
	return sum / math.Sqrt(squares)
}

// normalOf is the climate of a date, in a straight line from the middle of one month to
// that of the next.
func normalOf(date time.Time) climate {
	month := int(date.Month()) - 1
	x := (float64(date.Day())-0.5)/float64(daysOf(date)) - 0.5
	next := &climates[(month+1)%12]
	if x < 0 {
		x, next = -x, &climates[(month+11)%12]
	}
	here := &climates[month]
	return climate{mean: here.mean + (next.mean-here.mean)*x, swing: here.swing + (next.swing-here.swing)*x}
}

// daysOf is the length of a date's month.
func daysOf(date time.Time) int {
	return time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// warmest is the highest temperature of the day, °C.
func (d *day) warmest() float64 { return d.mean + d.swing/2 }

// nice days fill the parks.
func (d *day) nice() bool { return d.rain == 0 && d.warmest() >= niceFrom }

// rainBetween is what falls between two hours of the day, mm.
func (d *day) rainBetween(from, to float64) float64 {
	if d.rain == 0 {
		return 0
	}
	overlap := min(to, d.to) - max(from, d.from)
	return d.rain * max(0, overlap) / (d.to - d.from)
}

// rains tells whether it rains at an hour.
func (d *day) rains(hour float64) bool { return d.rain > 0 && hour >= d.from && hour < d.to }

// air is the temperature in the shade, °C. It is a view for those who ask seldom; places
// keep a sky.
func (w weather) air(wall time.Time) float64 {
	s := sky{weather: w}
	s.turn(dayNumber(wall))
	return s.air(hourOf(wall))
}

// sky is the weather as a place sees it from day to day: what is worked out once a day.
type sky struct {
	weather weather
	number  uint64 // of today; 0: not looked up yet
	around  [3]day // yesterday, today, tomorrow
	et      float64
	rise    float64 // hour of sunrise, true for the middle of the time zone's summer or winter
	set     float64
}

// turn makes a day today.
func (s *sky) turn(number uint64) {
	if number == s.number {
		return
	}
	if number == s.number+1 {
		s.around = [3]day{s.around[1], s.around[2], s.weather.on(number + 1)}
	} else {
		s.around = [3]day{s.weather.on(number - 1), s.weather.on(number), s.weather.on(number + 1)}
	}
	s.number = number
	radiation, light := sunOf(latitude, dateOf(number).YearDay())
	s.et = evapotranspiration(s.around[1].mean, s.around[1].swing, radiation)
	s.rise, s.set = 12.5-light/2, 12.5+light/2
}

// today is the weather of today.
func (s *sky) today() *day { return &s.around[1] }

// air is the temperature in the shade at an hour of today, °C. Mean and swing belong to
// noon and change in a straight line from one noon to the next.
func (s *sky) air(hour float64) float64 {
	a, b, x := &s.around[1], &s.around[2], (hour-12)/24
	if hour < 12 {
		a, b, x = &s.around[0], &s.around[1], (hour+12)/24
	}
	mean := a.mean + (b.mean-a.mean)*x
	swing := a.swing + (b.swing-a.swing)*x
	return mean + swing/2*math.Cos((hour-warmHour)/24*2*math.Pi)
}

// thirst is the reference evapotranspiration between two hours of today, mm: the day's
// amount as half a sine from sunrise to sunset.
func (s *sky) thirst(from, to float64) float64 {
	from, to = max(from, s.rise), min(to, s.set)
	if from >= to {
		return 0
	}
	angle := math.Pi / (s.set - s.rise)
	return s.et / 2 * (math.Cos((from-s.rise)*angle) - math.Cos((to-s.rise)*angle))
}

// latitude of Osnabrück, radians.
const latitude = 52.27 * math.Pi / 180

// humid is what is left of Hargreaves' evapotranspiration where the air is moist, as FAO
// Paper 56 finds it has to be adjusted to the region. The share is assumed; it makes some
// 590 mm a year.
const humid = 0.8

// sunOf gives the radiation above the air, as mm of water it could evaporate in a day, and
// the hours of daylight, at a latitude in radians: FAO Irrigation and Drainage Paper 56, equations 21 to 25 and 34.
func sunOf(latitude float64, yearDay int) (radiation, light float64) {
	year := 2 * math.Pi * float64(yearDay) / 365
	distance := 1 + 0.033*math.Cos(year)
	declination := 0.409 * math.Sin(year-1.39)
	sunset := math.Acos(-math.Tan(latitude) * math.Tan(declination))
	const solar = 0.0820 // MJ/m² and minute
	energy := 24 * 60 / math.Pi * solar * distance *
		(sunset*math.Sin(latitude)*math.Sin(declination) + math.Cos(latitude)*math.Cos(declination)*math.Sin(sunset))
	return 0.408 * energy, 24 / math.Pi * sunset
}

// evapotranspiration of short grass in a day, mm: Hargreaves and Samani 1985, as FAO Paper
// 56 gives it in equation 52. It needs no more than the temperatures.
func evapotranspiration(mean, swing, radiation float64) float64 {
	return max(0, humid*0.0023*(mean+17.8)*math.Sqrt(swing)*radiation)
}
