package decoders

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
)

// The project's collection of example payloads, shared between projects and not part of
// this repository.
var corpusFile = filepath.Join("..", "..", "shared", "data", "payload-vectors.json")

// corpusModels gives our name of a model in the collection.
var corpusModels = map[string]string{
	"EM310-UDL":                   "milesight/em310-udl",
	"EM400-MUD":                   "milesight/em400-mud",
	"EM400-TLD":                   "milesight/em400-tld",
	"EM400-UDL":                   "milesight/em400-udl",
	"EM410-RDL":                   "milesight/em410-rdl",
	"EM500-UDL":                   "milesight/em500-udl",
	"EM500-SMTC":                  "milesight/em500-smtc",
	"EM500-SWL":                   "milesight/em500-swl",
	"WS201":                       "milesight/ws201",
	"WS301":                       "milesight/ws301",
	"WTS506":                      "milesight/wts506",
	"VS121":                       "milesight/vs121",
	"VS133":                       "milesight/vs133",
	"LDDS75 (fw>=1.1.4)":          "dragino/ldds75",
	"LDDS45":                      "dragino/ldds45",
	"LLDS12":                      "dragino/llds12",
	"LSE01 (fw<1.1.4)":            "dragino/lse01-fw1.1",
	"LSE01 (fw>=1.2.1) / SE01-LB": "dragino/lse01",
	"LHT65":                       "dragino/lht65",
	"WILSEN.sonic.level":          "pepperl-fuchs/wilsen-sonic-level",
	"WILSEN.sonic.distance":       "pepperl-fuchs/wilsen-sonic-distance",
	"ELT-Ultrasonic":              "elsys/elt-ultrasonic",
	"EMS Door":                    "elsys/ems-door",
	"Single Sensor":               "sensoneo/single",
	"Quatro Sensor":               "sensoneo/quatro",
	"DF702":                       "dingtek/df702",
	"DF703":                       "dingtek/df703",
	"DC410":                       "dingtek/dc410",
	"DO200":                       "dingtek/do200",
	"DO201":                       "dingtek/do201",
	"DL-MBX":                      "decentlab/dl-mbx",
	"DL-LID":                      "decentlab/dl-lid",
	"DL-SMTP":                     "decentlab/dl-smtp",
	"DL-TRS12":                    "decentlab/dl-trs12",
	"DL-TRS21":                    "decentlab/dl-trs21",
	"DL-PR26 (0..1 bar)":          "decentlab/dl-pr26-0-1",
	"DL-IAM":                      "decentlab/dl-iam",
	"DL-PM":                       "decentlab/dl-pm",
	"TEK 766":                     "tekelek/tek766",
	"R718X":                       "netvox/r718x",
	"R719A":                       "netvox/r719a",
	"LoRa Level Monitoring XL":    "terabee/level-monitoring-xl",
	"Filling Degree Sensor":       "teneo-iot/filling-degree",
	"Soil Moisture Sensor":        "teneo-iot/soil-moisture",
	"KIWI/CLOVER":                 "tektelic/kiwi",
	"S2104/S2105":                 "sensecap/s2104",
	"TPS110":                      "bosch/tps110",
	"Smart Parking v2/v3":         "libelium/smart-parking",
	"PlacePod":                    "pni/placepod",
	"NPS310":                      "nwave/nps310",
	"NPS405":                      "nwave/nps405",
	"NCC405":                      "nwave/ncc405",
	"TEKZIPARK":                   "tekzitel/tekzipark",
	"Flood Sensor":                "mclimate/flood-sensor",
	"Oyster":                      "digital-matter/oyster",
}

// measure is our quantity for a name in the collection, and how many of our units one of
// the collection's is.
type measure struct {
	quantity city.Quantity
	times    float64
}

// corpusTyped are the names under "typed", which say what a decoder must deliver.
var corpusTyped = map[string]measure{
	"battery_pct": {city.BatteryLevel, 1}, "battery_v": {city.BatteryVoltage, 1}, "battery_low": {city.BatteryLow, 1},
	"distance_mm": {city.Distance, 1}, "distance_min_mm": {city.DistanceMin, 1}, "distance_max_mm": {city.DistanceMax, 1},
	"distance_median_mm": {city.DistanceMedian, 1}, "distance_change_mm": {city.DistanceChange, 1}, "distance_raw_cm": {city.Distance, 10},
	"fill_pct": {city.FillLevel, 1}, "remaining_pct": {city.FillLevel, 1}, "valid_samples": {city.Samples, 1},
	"echo_amplitude": {city.EchoStrength, 1}, "radar_signal": {city.EchoStrength, 1}, "lidar_signal": {city.EchoStrength, 1},
	"distance_alarm": {city.LevelAlarm, 1}, "full_alarm": {city.LevelAlarm, 1}, "fire_alarm": {city.FireAlarm, 1},
	"tilted": {city.Tilt, 1}, "tilt_alarm": {city.Tilt, 1}, "tilt_deg": {city.TiltAngle, 1},
	"temp_c": {city.Temperature, 1}, "aux_temp_c": {city.Temperature, 1}, "lidar_temp_c": {city.ProbeTemperature, 1},
	"rel_humidity_pct": {city.Humidity, 1}, "pressure_hpa": {city.Pressure, 1}, "light_lux": {city.Illuminance, 1},
	"soil_moisture_pct": {city.SoilMoisture, 1}, "vwc_m3_m3": {city.SoilMoisture, 100}, "soil_temp_c": {city.SoilTemperature, 1},
	"soil_ec_us_cm": {city.Conductivity, 1}, "soil_ec_ds_m": {city.Conductivity, 1000}, "water_potential_kpa": {city.SoilTension, -1},
	"dielectric": {city.Permittivity, 1}, "soil_moisture_raw": {city.SoilMoistureRaw, 1}, "soil_ec_raw": {city.ConductivityRaw, 1},
	"soil_input1_hz": {city.SoilFrequency, 1}, "soil_input2_mv": {city.SoilThermistor, 1},
	"water_depth_cm": {city.WaterLevel, 10}, "pressure_bar": {city.WaterPressure, 1}, "water_temp_c": {city.WaterTemperature, 1},
	"occupied": {city.Occupied, 1}, "prev_state_min": {city.PreviousDuration, 1}, "vehicle_count": {city.Count, 1},
	"lat": {city.Latitude, 1}, "lon": {city.Longitude, 1},
}

// typedMeasure is corpusTyped, with the depths of a probe.
func typedMeasure(name string) (measure, bool) {
	if m, ok := corpusTyped[name]; ok {
		return m, true
	}
	for i := range 8 {
		depth := city.Quantity(i)
		switch name {
		case fmt.Sprintf("soil_moisture_idx_%d", i):
			return measure{city.SoilMoistureIndex + depth, 1}, true
		case fmt.Sprintf("soil_temp_c_%d", i):
			if i == 0 {
				return measure{city.SoilTemperature, 1}, true
			}
			return measure{city.SoilTemperature2 + depth - 1, 1}, true
		}
	}
	return measure{}, false
}

// corpusExpect are names under "expect", the output of vendors' decoders, that can be
// compared where "typed" is empty.
var corpusExpect = map[string]measure{
	"battery": {city.BatteryLevel, 1}, "battery_voltage": {city.BatteryVoltage, 1}, "BatV": {city.BatteryVoltage, 1}, "batV": {city.BatteryVoltage, 1},
	"air_temperature": {city.Temperature, 1}, "temperature": {city.Temperature, 1}, "TempC_SHT": {city.Temperature, 1}, "TempC_DS": {city.ProbeTemperature, 1},
	"air_humidity": {city.Humidity, 1}, "humidity": {city.Humidity, 1}, "Hum_SHT": {city.Humidity, 1},
	"barometric_pressure": {city.Pressure, 0.01}, "pressure": {city.Pressure, 1},
	"co2_concentration": {city.CO2, 1}, "total_voc": {city.TVOC, 1}, "illuminance": {city.Illuminance, 1}, "activity_counter": {city.Count, 1},
	"pm1_0_mass_concentration": {city.PM1, 1}, "pm2_5_mass_concentration": {city.PM25, 1}, "pm4_mass_concentration": {city.PM4, 1}, "pm10_mass_concentration": {city.PM10, 1},
	"wind_direction": {city.WindDirection, 1}, "wind_speed": {city.WindSpeed, 1}, "rainfall_total": {city.RainTotal, 1},
	"people_counter_all": {city.PeoplePresent, 1}, "line_1.total_in": {city.PeopleIn, 1}, "line_1.total_out": {city.PeopleOut, 1},
	"line_2.total_in": {city.PeopleIn2, 1}, "line_2.total_out": {city.PeopleOut2, 1},
	"counter_value": {city.Count, 1}, "pulseAbs": {city.Count, 1}, "door": {city.DoorOpen, 1}, "boxTamper": {city.Tampered, 1}, "flood": {city.Leak, 1},
	"latitudeDeg": {city.Latitude, 1}, "longitudeDeg": {city.Longitude, 1}, "speedKmph": {city.Speed, 1},
	"level": {city.Distance, 1}, "full": {city.LevelAlarm, 1}, "motion": {city.Tilt, 1}, "angle": {city.TiltAngle, 1},
}

// corpusFaults gives our fault for a sensor_fault of the collection.
var corpusFaults = map[string]city.Fault{
	"no_sensor":        city.FaultNoSensor,
	"invalid_reading":  city.FaultTooClose, // 20 mm is one code for both
	"invalid":          city.FaultProbe,
	"too_close":        city.FaultTooClose,
	"sensor_exception": city.FaultProbe,
}

// corpusUnused are names in the collection for which there is no quantity on purpose: what
// the device says of itself, its settings and its bookkeeping.
var corpusUnused = []string{
	"event", "firmware", "reset_code", "serial", "sensor_id", "frame_counter", "interrupt", "interval_s", "time_unix",
	"lora_count", "gps_count", "us_count", "config", "upload_interval_h", "detect_interval_min", "full_threshold_cm",
	"fire_threshold_c", "tilt_threshold_deg", "sensor_detected",
	"tag", // a person's: not read
}

// corpusDiffers are the examples in which a typed name is not what we deliver, with the
// defect of the source that is the reason.
var corpusDiffers = map[string]struct {
	names  []string
	reason string
}{
	"decentlab-dl-trs12-01": {
		[]string{"vwc_m3_m3", "soil_moisture_pct"},
		"typed is rounded to four digits; expect has 0.0068869 m³/m³, which is ours",
	},
	"decentlab-dl-smtp-01": {
		[]string{"soil_moisture_idx_6", "soil_temp_c_6", "soil_moisture_idx_7", "soil_temp_c_7"},
		"two depths are absent: the frame has 0, which the vendor's formula turns into -5 and -327.68 °C",
	},
	"pepperl-fuchs-wilsen_sonic_level-03": {
		[]string{"temp_c"},
		"typed and expect are rounded to 25.1; the frame has 41c8947d, the float 25.0725",
	},
	"pepperl-fuchs-wilsen_sonic_level-07": {
		[]string{"temp_c"},
		"typed is rounded to 25.3; the frame and expect have 25.26555633544922 °C",
	},
}

type example struct {
	ID, Model, Hex, Category string
	FPort                    uint8
	Typed, Expect            map[string]any
	Config                   struct {
		Height         float64
		SensorDistance float64 `json:"sensor_distance"`
		Form           string
	}
}

func TestSharedCorpus(t *testing.T) {
	text, err := os.ReadFile(corpusFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the shared collection of example payloads is not here: " + corpusFile)
	}
	if err != nil {
		t.Fatal(err)
	}
	var corpus []example
	if err := json.Unmarshal(text, &corpus); err != nil {
		t.Fatal(err)
	}
	missing, compared := maps.Clone(corpusModels), 0
	table := New()
	for _, e := range corpus {
		model, ours := corpusModels[e.Model]
		if !ours {
			t.Errorf("%s: %s has no decoder", e.ID, e.Model)
			continue
		}
		delete(missing, e.Model)
		t.Run(e.ID, func(t *testing.T) { compared += compareExample(t, table, model, &e) })
	}
	for name := range missing {
		t.Errorf("the collection has no example of %s", name)
	}
	for id := range corpusDiffers {
		if !slices.ContainsFunc(corpus, func(e example) bool { return e.ID == id }) {
			t.Errorf("%s is excused and not in the collection", id)
		}
	}
	t.Logf("%d examples, %d values compared", len(corpus), compared)
}

// compareExample gives how many values it compared.
func compareExample(t *testing.T, table *Table, model string, e *example) (compared int) {
	t.Helper()
	r, err := decode(table, model, e.FPort, unhex(t, e.Hex), e.calibration())
	if e.rejected() {
		if err == nil {
			t.Errorf("values %v, want a rejection", r.Values)
		}
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Typed) == 0 {
		return compareExpect(t, e, &r)
	}
	excused := corpusDiffers[e.ID]
	for name, value := range e.Typed {
		if slices.Contains(corpusUnused, name) {
			continue
		}
		compared++
		differs := e.difference(&r, name, value)
		if excuse := slices.Contains(excused.names, name); excuse == (differs == "") {
			t.Errorf("%s: %q, excused: %v (%s)", name, differs, excuse, excused.reason)
		}
	}
	return compared
}

// difference tells how a typed name is not delivered, "" for as it should.
func (e *example) difference(r *city.Reading, name string, value any) string {
	switch name {
	case "sensor_fault", "soil_temp_fault", "soil_moisture_fault", "soil_ec_fault":
		want := city.FaultNoEcho // outside the measuring range
		if text, ok := value.(string); ok {
			want = corpusFaults[text]
		} else if strings.HasPrefix(name, "soil") {
			want = city.FaultProbe
		}
		if !r.Has(want) {
			return fmt.Sprintf("faults %v, want %s", r.Faults, want)
		}
		return ""
	case "sensor_error":
		return unless(r.Has(city.FaultProbe) == (value != 0.0), "sensor error %v, faults %v", value, r.Faults)
	case "obstruction":
		return unless(r.Has(city.FaultObstructed) == value, "obstruction %v, faults %v", value, r.Faults)
	case "crc_ok":
		return unless(r.Has(city.FaultChecksum) != value, "crc ok %v, faults %v", value, r.Faults)
	case "unparsed":
		return unless(hex.EncodeToString(r.Tail) == value, "tail %x, want %v", r.Tail, value)
	case "battery_ok":
		n, ok := r.Value(city.BatteryLow)
		return unless(ok && (n == 0) == value, "battery_low %v (there: %v), want ok %v", n, ok, value)
	}
	m, ok := typedMeasure(name)
	if !ok {
		return "is neither a quantity nor known to be unused"
	}
	return differs(r, m, value)
}

func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// differs compares to 1e-6 of the value. One outside the physical range must be a fault, as
// the collection has none of our ranges.
func differs(r *city.Reading, m measure, value any) string {
	want := 0.0
	switch v := value.(type) {
	case float64:
		want = v * m.times
	case bool:
		want = city.Bool(v)
	default:
		return fmt.Sprintf("is a %T", value)
	}
	got, measured := r.Value(m.quantity)
	if lowest, highest := m.quantity.Range(); want < lowest || want > highest {
		return unless(!measured && r.Has(city.FaultImplausible), "%v is impossible, have %v and faults %v", want, got, r.Faults)
	}
	return unless(measured && math.Abs(got-want) <= 1e-6*math.Abs(want), "%s = %v (there: %v), want %v", m.quantity, got, measured, want)
}

// compareExpect compares what of a vendor's output has a quantity and a plain value.
func compareExpect(t *testing.T, e *example, r *city.Reading) (compared int) {
	t.Helper()
	expect := maps.Clone(e.Expect)
	for name, inner := range e.Expect {
		if lines, ok := inner.(map[string]any); ok {
			for key, value := range lines {
				expect[name+"."+key] = value
			}
		}
	}
	for name, value := range expect {
		m, ok := corpusExpect[name]
		if !ok {
			continue
		}
		if text, ok := value.(string); ok {
			number := 0.0
			if text == "open" {
				number = 1
			} else if _, err := fmt.Sscanf(text, "%f", &number); err != nil {
				t.Errorf("%s = %q is no number", name, text)
			}
			value = number
		}
		if name == "battery" {
			if _, level := value.(float64); level && e.Category == "flood" {
				m.quantity = city.BatteryVoltage
			} else if !level {
				m.quantity = city.BatteryLow
			}
		}
		compared++
		if d := differs(r, m, value); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	return compared
}

// rejected: the example is of a frame that no decoder should read.
func (e *example) rejected() bool {
	_, bad := e.Expect["errors"]
	return bad
}

// calibration of the example's container, or of any, so that being uncalibrated is no fault.
func (e *example) calibration() *city.BinCalibration {
	if e.Config.Height == 0 {
		return nil
	}
	c := &city.BinCalibration{Empty: 10 * (e.Config.Height + e.Config.SensorDistance), Full: 10 * e.Config.SensorDistance}
	if e.Config.Form == "ball_tank" {
		c.Shape = city.Sphere
	}
	return c
}
