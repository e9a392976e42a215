package javascript

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"meldefunk/city"
)

// finding is what could be told of one field of a codec's output.
type finding struct {
	field Field  // Quantity is QuantityUnknown where it stays raw
	note  string // why it stays raw, or how it was told
	seen  []string
}

// outcome is what a codec gave for one of its examples.
type outcome struct {
	data       map[string]any // as Mapping.Apply takes it
	normalized map[string]any // by path; nil for none
}

// guess tells from what a codec gave for its examples which fields are which quantities.
// It goes by what normalizeUplink repeats in another place, by names, and by units that are told; where
// a unit is not, and the numbers do not tell it, the field stays raw. Each quantity is there once.
func guess(outcomes []outcome) []finding {
	columns := map[string][]any{}
	hints := map[string]hint{}
	for _, o := range outcomes {
		flat := map[string]any{}
		flatten("", o.data, flat)
		for p, v := range flat {
			columns[p] = append(columns[p], v)
		}
	}
	for p := range columns {
		if h, ok := normalizedAs(p, outcomes); ok {
			hints[p] = h
		}
	}
	taken := map[city.Quantity]string{}
	var found []finding
	paths := slices.SortedFunc(maps.Keys(columns), func(a, b string) int {
		// What a normalizer names goes first, then the name that says the most with the least.
		_, hintedA := hints[a]
		_, hintedB := hints[b]
		if hintedA != hintedB {
			if hintedA {
				return -1
			}
			return 1
		}
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for _, p := range paths {
		f := finding{field: Field{Path: p}, seen: seen(columns[p])}
		if h, ok := hints[p]; ok {
			f.field.Quantity, f.field.Unit = h.quantity, h.unit
			f.note = "as normalizeUplink has it"
		} else {
			f.field.Quantity, f.field.Unit, f.note = byName(p, columns)
		}
		if q := f.field.Quantity; q != city.QuantityUnknown {
			if other, ok := taken[q]; ok {
				f.raw(fmt.Sprintf("%s is %s already", q, other))
			} else if why := refused(f.field, columns[p]); why != "" {
				f.raw(fmt.Sprintf("%s? %s", q, why))
			} else {
				taken[q] = p
			}
		}
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b finding) int { return strings.Compare(a.field.Path, b.field.Path) })
	return found
}

func (f *finding) raw(why string) {
	f.field = Field{Path: f.field.Path}
	f.note = why
}

// refused says why a mapping does not fit what was seen, "" if it does.
func refused(f Field, values []any) string {
	for _, v := range values {
		m := Mapping{Fields: []Field{f}}
		r := m.Apply(nest(f.Path, v))
		if v != nil && len(r.Values) == 0 {
			return "an example has " + short(v)
		}
	}
	return ""
}

// nest is the opposite of flatten for one value.
func nest(p string, v any) map[string]any { return map[string]any{p: v} }

// flatten gives the single values of objects by their paths. Lists stay whole: their items
// are mostly records of the past, or change places.
func flatten(prefix string, v any, into map[string]any) {
	m, ok := v.(map[string]any)
	if !ok {
		if prefix != "" && len(prefix) <= 200 {
			into[prefix] = v
		}
		return
	}
	for name, inner := range m {
		p := name
		if prefix != "" {
			p = prefix + "." + name
		}
		flatten(p, inner, into)
	}
}

// seen lists a few of the values, for people.
func seen(values []any) []string {
	var list []string
	for _, v := range values {
		s := clip(short(v), 40)
		if len(list) < 3 && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

type hint struct {
	quantity city.Quantity
	unit     string
}

// normalizedFields are the fields of The Things Stack's normalized payload that are quantities here,
// see github.com/TheThingsNetwork/lorawan-devices, lib/payload.json.
func normalizedFields() map[string]hint {
	return map[string]hint{
		"air.temperature": {city.Temperature, "°C"}, "air.relativeHumidity": {city.Humidity, "%"},
		"air.pressure": {city.Pressure, "hPa"}, "air.co2": {city.CO2, "ppm"}, "air.lightIntensity": {city.Illuminance, "lx"},
		"soil.temperature": {city.SoilTemperature, "°C"}, "soil.moisture": {city.SoilMoisture, "%"}, "soil.ec": {city.Conductivity, "dS/m"},
		"water.temperature.current": {city.WaterTemperature, "°C"}, "wind.speed": {city.WindSpeed, "m/s"}, "wind.direction": {city.WindDirection, "°"},
		"battery": {city.BatteryVoltage, "V"}, "position.latitude": {city.Latitude, "°"}, "position.longitude": {city.Longitude, "°"},
	}
}

// normalizedAs tells which quantity the normalizer makes of a field: the one whose number is
// the field's, in some unit, wherever both are there. A normalizer that leaves zero out says nothing by that.
func normalizedAs(p string, outcomes []outcome) (hint, bool) {
	for _, name := range slices.Sorted(maps.Keys(normalizedFields())) {
		h := normalizedFields()[name]
		own := units(h.quantity.Unit())
		for _, unitName := range slices.Sorted(maps.Keys(own)) {
			f := Field{Path: p, Quantity: h.quantity, Unit: unitName}
			theirs := Field{Quantity: h.quantity, Unit: h.unit}
			agree, differ := 0, 0
			for _, o := range outcomes {
				flat := map[string]any{}
				flatten("", o.data, flat)
				there, ok := flat[p]
				wanted, told := o.normalized[name]
				if !ok || !told {
					continue
				}
				a, errA := f.number(there)
				b, errB := theirs.number(wanted)
				if errA != nil || errB != nil || !near(a, b) {
					differ++
				} else if a != 0 { // zero is zero in many units
					agree++
				}
			}
			if agree > 0 && differ == 0 {
				if own[unitName] == (unit{factor: 1}) {
					unitName = ""
				}
				return hint{h.quantity, unitName}, true
			}
		}
	}
	return hint{}, false
}

// names are the names of fields whose meaning is plain, without spaces and in lower case.
func names() map[string]city.Quantity {
	return map[string]city.Quantity{
		"temperature": city.Temperature, "temp": city.Temperature, "ambienttemperature": city.Temperature, "ambienttemp": city.Temperature,
		"humidity": city.Humidity, "relativehumidity": city.Humidity, "ambienthumidity": city.Humidity, "rh": city.Humidity, "hum": city.Humidity,
		"pressure": city.Pressure, "airpressure": city.Pressure, "barometricpressure": city.Pressure, "barometer": city.Pressure, "atmosphericpressure": city.Pressure,
		"co2": city.CO2, "co2concentration": city.CO2, "tvoc": city.TVOC, "pm1": city.PM1, "pm1.0": city.PM1, "pm25": city.PM25, "pm2.5": city.PM25, "pm4": city.PM4, "pm10": city.PM10,
		"illuminance": city.Illuminance, "illumination": city.Illuminance, "lightintensity": city.Illuminance, "lux": city.Illuminance,
		"windspeed": city.WindSpeed, "winddirection": city.WindDirection, "rain": city.Rain, "rainfall": city.Rain, "solarradiation": city.SolarRadiation,
		"soilmoisture": city.SoilMoisture, "volumetricwatercontent": city.SoilMoisture, "vwc": city.SoilMoisture, "watersoil": city.SoilMoisture,
		"soiltemperature": city.SoilTemperature, "soiltemp": city.SoilTemperature, "tempsoil": city.SoilTemperature,
		"soilconductivity": city.Conductivity, "soilec": city.Conductivity, "conductivity": city.Conductivity, "ec": city.Conductivity, "electricalconductivity": city.Conductivity, "conductsoil": city.Conductivity,
		"distance": city.Distance, "filllevel": city.FillLevel, "fillinglevel": city.FillLevel, "waterlevel": city.WaterLevel, "waterdepth": city.WaterLevel,
		"watertemperature": city.WaterTemperature, "leak": city.Leak, "waterleak": city.Leak, "waterleakage": city.Leak,
		"occupied": city.Occupied, "occupancy": city.Occupied, "parkingstatus": city.Occupied,
		"tilt": city.Tilt, "tilted": city.Tilt, "dooropen": city.DoorOpen, "tamper": city.Tampered, "tampered": city.Tampered,
		"latitude": city.Latitude, "lat": city.Latitude, "longitude": city.Longitude, "lon": city.Longitude, "lng": city.Longitude,
		"batteryvoltage": city.BatteryVoltage, "batvoltage": city.BatteryVoltage, "voltagebattery": city.BatteryVoltage, "batv": city.BatteryVoltage, "vbat": city.BatteryVoltage,
		"batterylevel": city.BatteryLevel, "batterypercentage": city.BatteryLevel, "batterypercent": city.BatteryLevel, "batpercent": city.BatteryLevel,
		"batterylow": city.BatteryLow, "lowbattery": city.BatteryLow,
	}
}

// told are the units that stand at the end of names: "distance_mm", "tempC".
func told() map[string]string {
	return map[string]string{"mm": "mm", "cm": "cm", "c": "°C", "f": "°F", "mv": "mV", "v": "V", "percent": "%", "pct": "%",
		"hpa": "hPa", "pa": "Pa", "kpa": "kPa", "mbar": "mbar", "ppm": "ppm", "ppb": "ppb", "lux": "lx", "celsius": "°C"}
}

// surroundings are parts of paths that say nothing about what is measured.
var surroundings = []string{"data", "decoded", "payload", "measurement", "measurements", "sensor", "sensors", "environment", "climate", "air", "value", "values"}

// byName tells what a field is by its name, and by its unit if that is told.
func byName(p string, columns map[string][]any) (city.Quantity, string, string) {
	base, hasUnit := strings.CutSuffix(p, ".value")
	unitName := ""
	if hasUnit {
		if u := columns[base+".unit"]; len(u) > 0 {
			unitName, _ = u[0].(string)
		}
	}
	var words []string
	for _, part := range strings.Split(base, ".") {
		if w := wordsOf(part); !slices.Contains(surroundings, strings.Join(w, "")) {
			words = append(words, w...)
		}
	}
	q, ok := names()[joined(words)]
	if !ok && len(words) > 1 && unitName == "" {
		if u, isUnit := told()[words[len(words)-1]]; isUnit {
			unitName = u
			words = words[:len(words)-1]
			q, ok = names()[joined(words)]
		}
	}
	if name := strings.Join(words, ""); !ok && (name == "battery" || name == "bat") {
		q, ok = batteryBy(unitName, columns[p])
		if !ok {
			return city.QuantityUnknown, "", "battery_voltage or battery_level? the examples do not tell"
		}
	}
	if !ok {
		return city.QuantityUnknown, "", ""
	}
	unitName, note := unitOf(q, unitName, columns[p])
	if note != "" {
		return city.QuantityUnknown, "", fmt.Sprintf("%s? %s", q, note)
	}
	return q, unitName, "by its name"
}

// wordsOf takes a name apart: "soilTemp_C" is soil, temp, c.
func wordsOf(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

// joined puts words together again. Digits that were apart stay so: pm1_0 is not pm10.
func joined(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 && w[0] >= '0' && w[0] <= '9' && unicode.IsDigit(rune(words[i-1][len(words[i-1])-1])) {
			b.WriteByte('.')
		}
		b.WriteString(w)
	}
	return b.String()
}

// numbers gives the values that are numbers; all tells whether none is anything else, null aside, and
// unitName the unit that is written behind one of them.
func numbers(values []any) (list []float64, unitName string, all bool) {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
		case float64:
			list = append(list, v)
		case string:
			n, u, ok := split(v)
			if !ok {
				return nil, "", false
			}
			list = append(list, n)
			if u != "" {
				unitName = u
			}
		default:
			return nil, "", false
		}
	}
	return list, unitName, len(list) > 0
}

// batteryBy tells volts and percent apart.
func batteryBy(unitName string, values []any) (city.Quantity, bool) {
	list, written, ok := numbers(values)
	if !ok {
		return city.QuantityUnknown, false
	}
	if unitName == "" {
		unitName = written
	}
	switch spelling(unitName) {
	case "v", "mv":
		return city.BatteryVoltage, true
	case "%":
		return city.BatteryLevel, true
	case "":
	default:
		return city.QuantityUnknown, false
	}
	low, high := slices.Min(list), slices.Max(list)
	whole := !slices.ContainsFunc(list, func(n float64) bool { return n != math.Trunc(n) })
	switch {
	case !whole && low >= 1.5 && high <= 5.5, whole && low >= 1500 && high <= 5500:
		return city.BatteryVoltage, true
	case whole && low >= 6 && high <= 100:
		return city.BatteryLevel, true
	}
	return city.QuantityUnknown, false
}

// unitOf gives the unit a field is in, "" for the quantity's own; or why that cannot be told.
func unitOf(q city.Quantity, unitName string, values []any) (string, string) {
	if q.Boolean() {
		return "", ""
	}
	list, written, ok := numbers(values)
	if !ok {
		return "", "no number"
	}
	if unitName == "" && written != "" {
		return "", "" // stands behind each number
	}
	if u, known := units(q.Unit())[spelling(unitName)]; unitName != "" {
		switch {
		case !known:
			return "", fmt.Sprintf("in %.20q", unitName)
		case u == unit{factor: 1}:
			return "", ""
		}
		return unitName, ""
	}
	low, high := slices.Min(list), slices.Max(list)
	untold := "in which unit?"
	switch q {
	case city.BatteryVoltage:
		switch {
		case low >= 1.5 && high <= 60:
			return "", ""
		case low >= 1500 && high <= 60_000:
			return "mV", ""
		}
		return "", untold
	case city.Pressure:
		switch {
		case low >= 300 && high <= 1100:
			return "", ""
		case low >= 30_000 && high <= 110_000:
			return "Pa", ""
		}
		return "", untold
	case city.SoilMoisture:
		if high <= 1 {
			return "", "percent or fraction?"
		}
	case city.Distance, city.WaterLevel, city.Conductivity, city.WindSpeed, city.Rain, city.TVOC, city.SolarRadiation:
		return "", untold
	}
	return "", ""
}

// kindBy tells the kind of asset by its quantities, KindUnknown where they fit several.
func kindBy(found []finding) city.Kind {
	kind := city.KindUnknown
	for _, f := range found {
		var k city.Kind
		switch f.field.Quantity {
		case city.FillLevel:
			k = city.Bin
		case city.SoilMoisture, city.SoilTemperature, city.Conductivity:
			k = city.Soil
		case city.Occupied:
			k = city.Parking
		case city.WaterLevel:
			k = city.Level
		case city.WindSpeed, city.WindDirection, city.Rain, city.SolarRadiation:
			k = city.Weather
		case city.CO2, city.TVOC, city.PM1, city.PM25, city.PM4, city.PM10:
			k = city.Air
		case city.DoorOpen:
			k = city.Door
		case city.Latitude:
			k = city.Tracker
		default:
			continue
		}
		if kind != city.KindUnknown && kind != k {
			return city.KindUnknown
		}
		kind = k
	}
	if !slices.Contains(city.Kinds(), kind) {
		return city.KindUnknown // no asset can have it yet
	}
	return kind
}
