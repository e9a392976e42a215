package board

import (
	"math"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

// number writes v the German way with a fixed count of decimals: 1.234,5. Not a number
// is a dash, because a board must never show NaN to anybody.
func number(v float64, decimals int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	digits := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, rest, _ := strings.Cut(digits, ".")
	var b strings.Builder
	if v < 0 && strings.Trim(digits, "0.") != "" { // no minus in front of a rounded zero
		b.WriteString("−")
	}
	for i, d := range []byte(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte('.')
		}
		b.WriteByte(d)
	}
	if rest != "" {
		b.WriteByte(',')
		b.WriteString(rest)
	}
	return b.String()
}

// count writes a whole number.
func count[N int | int64](n N) string { return number(float64(n), 0) }

// counted writes a whole number with its noun: "1 Anlage", "12 Anlagen".
func counted[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1" + nbsp + one
	}
	return count(n) + nbsp + many
}

// decimals says how exactly a quantity is shown: as far as its sensors can be trusted.
func decimals(q city.Quantity) int {
	switch q {
	case city.FillLevel, city.SoilMoisture, city.SoilTemperature, city.Temperature, city.ProbeTemperature, city.WaterTemperature,
		city.UsableFieldCapacity, city.SoilTension, city.Humidity, city.Pressure, city.PM1, city.PM25, city.PM4, city.PM10, city.Noise,
		city.WindSpeed, city.WindGust, city.Rain, city.RainTotal, city.RainRate, city.UVIndex, city.Permittivity, city.TiltAngle, city.Energy,
		city.SoilTemperature2, city.SoilTemperature3, city.SoilTemperature4, city.SoilTemperature5, city.SoilTemperature6,
		city.SoilTemperature7, city.SoilTemperature8:
		return 1
	case city.BatteryVoltage, city.EchoStrength, city.SoilMoistureIndex, city.SoilMoistureIndex2, city.SoilMoistureIndex3,
		city.SoilMoistureIndex4, city.SoilMoistureIndex5, city.SoilMoistureIndex6, city.SoilMoistureIndex7, city.SoilMoistureIndex8:
		return 2
	case city.WaterPressure, city.Volume: // meters are read to the litre
		return 3
	case city.Latitude, city.Longitude:
		return 5
	}
	return 0
}

// amount writes a value with its unit, or as the word for yes or no.
func amount(q city.Quantity, v float64) string {
	if q.Boolean() {
		return q.GermanYesNo(v != 0)
	}
	return withUnit(number(v, decimals(q)), q.Unit())
}

// coordinates write a position as people read it.
func coordinates(lat, lon float64) string {
	ns, ew := "N", "O"
	if lat < 0 {
		ns = "S"
	}
	if lon < 0 {
		ew = "W"
	}
	return number(math.Abs(lat), decimals(city.Latitude)) + "°" + nbsp + ns + ", " + number(math.Abs(lon), decimals(city.Longitude)) + "°" + nbsp + ew
}

// withUnit joins a number and a unit that may be empty.
func withUnit(n, unit string) string {
	if unit == "" {
		return n
	}
	return n + nbsp + unit
}

// moment is a point in time as a page shows it.
type moment struct {
	ISO   string // for machines
	Clock string // "21.11.2026, 14:05 Uhr"
	Age   string // "vor 5 Minuten"
}

// Known tells whether there is a time at all.
func (m moment) Known() bool { return m.ISO != "" }

// momentOf gives the zero moment for the zero time.
func momentOf(t, now time.Time, loc *time.Location) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{ISO: t.UTC().Format(time.RFC3339), Clock: clock(t, loc), Age: age(now.Sub(t))}
}

// clock writes a time to the minute, and names the zone in the hour of October that
// comes twice.
func clock(t time.Time, loc *time.Location) string {
	t = t.In(loc)
	s := t.Format("02.01.2006, 15:04") + nbsp + "Uhr"
	if doubled(t) {
		s += nbsp + zone(t)
	}
	return s
}

// doubled tells whether the same wall clock time exists a second time, because clocks
// were or will be turned back.
func doubled(t time.Time) bool {
	_, here := t.Zone()
	start, end := t.ZoneBounds()
	if !end.IsZero() {
		_, after := end.Zone()
		back := time.Duration(here-after) * time.Second
		if back > 0 && !t.Add(back).Before(end) {
			return true
		}
	}
	if !start.IsZero() {
		_, before := start.Add(-1).Zone()
		back := time.Duration(before-here) * time.Second
		if back > 0 && t.Add(-back).Before(start) {
			return true
		}
	}
	return false
}

// zone is the German abbreviation where there is one.
func zone(t time.Time) string {
	switch name, _ := t.Zone(); name {
	case "CET":
		return "MEZ"
	case "CEST":
		return "MESZ"
	default:
		return name
	}
}

// age writes a duration in words, cut to its largest unit. Clocks of gateways may run
// ahead a little; more than a minute ahead is said, not hidden.
func age(d time.Duration) string {
	switch {
	case d <= -time.Minute:
		return "in der Zukunft"
	case d < time.Minute:
		return "gerade eben"
	case d < time.Hour:
		return "vor" + nbsp + counted(int(d/time.Minute), "Minute", "Minuten")
	case d < 48*time.Hour:
		return "vor" + nbsp + counted(int(d/time.Hour), "Stunde", "Stunden")
	}
	return "vor" + nbsp + counted(int(d/(24*time.Hour)), "Tag", "Tagen")
}

// ahead writes how far off something is, cut to its largest unit.
func ahead(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "gleich"
	case d < time.Hour:
		return "in" + nbsp + counted(int(d/time.Minute), "Minute", "Minuten")
	case d < 48*time.Hour:
		return "in" + nbsp + counted(int(d/time.Hour), "Stunde", "Stunden")
	}
	return "in" + nbsp + counted(int(d/(24*time.Hour)), "Tag", "Tagen")
}

// signed writes a change, which may be a rise.
func signed(v float64, decimals int) string {
	s := number(v, decimals)
	if v > 0 && strings.Trim(s, "0,") != "" {
		return "+" + s
	}
	return s
}
