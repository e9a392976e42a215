package influx

import (
	"maps"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	protocol "github.com/influxdata/line-protocol"

	"meldefunk/city"
)

func TestAppendLine(t *testing.T) {
	at := city.Stamp{At: time.Unix(1_782_907_200, 123_456_789), Source: city.TimeGateway}
	eui := city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, 0, 1}
	radio := city.Radio{RSSI: -97, SNR: -7.5, SpreadingFactor: 9, Gateways: 2}
	const heard = `gateways=2i,rssi=-97i,snr=-7.5,sf=9i`
	tests := []struct {
		name    string
		reading city.Reading
		want    string
	}{
		{"bin", city.Reading{DevEUI: eui, Asset: "PK-0042", Kind: city.Bin, Model: "milesight/em310-udl", FCnt: 42, Time: at, Radio: radio,
			Values: []city.Value{{Quantity: city.FillLevel, Number: 83.25}, {Quantity: city.Distance, Number: 410}, {Quantity: city.Tilt, Number: 0}}},
			`bin,asset=PK-0042,dev_eui=a840410001810001,model=milesight/em310-udl fcnt=42i,fill_level=83.25,distance=410,tilt=false,` + heard + `,late=false,time_source="gateway" 1782907200123456789`},
		{"zero is a value", city.Reading{DevEUI: eui, Asset: "B-1", Kind: city.Soil, Model: "m", Time: at, Radio: city.Radio{Gateways: 1, SpreadingFactor: 7},
			Values: []city.Value{{Quantity: city.SoilTemperature}, {Quantity: city.SoilMoisture}}},
			`soil,asset=B-1,dev_eui=a840410001810001,model=m fcnt=0i,soil_temperature=0,soil_moisture=0,gateways=1i,rssi=0i,snr=0,sf=7i,late=false,time_source="gateway" 1782907200123456789`},
		{"yes or no", city.Reading{DevEUI: eui, Asset: "P", Kind: city.Parking, Model: "m", FCnt: math.MaxUint32, Time: city.Stamp{At: at.At}, Radio: radio, Late: true,
			Values: []city.Value{{Quantity: city.Occupied, Number: 1}}},
			`parking,asset=P,dev_eui=a840410001810001,model=m fcnt=4294967295i,occupied=true,` + heard + `,late=true,time_source="received" 1782907200123456789`},
		{"below the zero of a gauge", city.Reading{DevEUI: eui, Asset: "PG-3", Kind: city.Level, Model: "m", Time: at, Radio: radio,
			Values: []city.Value{{Quantity: city.WaterLevel, Number: -120}}},
			`level,asset=PG-3,dev_eui=a840410001810001,model=m fcnt=0i,water_level=-120,` + heard + `,late=false,time_source="gateway" 1782907200123456789`},
		{"position", city.Reading{DevEUI: eui, Asset: "F-1", Kind: city.Tracker, Model: "m", Time: at, Radio: radio,
			Values: []city.Value{{Quantity: city.Latitude, Number: 52.2775}, {Quantity: city.Longitude, Number: 8.0417}}},
			`tracker,asset=F-1,dev_eui=a840410001810001,model=m fcnt=0i,latitude=52.2775,longitude=8.0417,` + heard + `,late=false,time_source="gateway" 1782907200123456789`},
		{"nothing but faults", city.Reading{DevEUI: eui, Asset: "P", Kind: city.Bin, Model: "m", Time: at, Radio: radio, Faults: []city.Fault{city.FaultNoEcho, city.FaultUncalibrated}},
			`bin,asset=P,dev_eui=a840410001810001,model=m fcnt=0i,` + heard + `,late=false,faults="no_echo,uncalibrated",time_source="gateway" 1782907200123456789`},
		{"nobody told of the radio", city.Reading{DevEUI: eui, Asset: "P", Kind: city.Bin, Model: "m", Time: at, Simulated: true},
			`bin,asset=P,dev_eui=a840410001810001,model=m fcnt=0i,gateways=0i,late=false,simulated=true,time_source="gateway" 1782907200123456789`},
		{"empty tags are left out", city.Reading{DevEUI: eui, Kind: city.Bin, Time: at},
			`bin,dev_eui=a840410001810001 fcnt=0i,gateways=0i,late=false,time_source="gateway" 1782907200123456789`},
		{"no number", city.Reading{DevEUI: eui, Kind: city.Bin, Time: at,
			Values: []city.Value{{Quantity: city.Distance, Number: math.NaN()}, {Quantity: city.FillLevel, Number: math.Inf(1)}, {Quantity: city.BatteryVoltage, Number: 3.6}}},
			`bin,dev_eui=a840410001810001 fcnt=0i,battery_voltage=3.6,gateways=0i,late=false,time_source="gateway" 1782907200123456789`},
		{"escapes", city.Reading{DevEUI: eui, Asset: "Straße, Nr. 1=\n\\", Model: "\xffm", Kind: city.Bin, Time: at, Faults: []city.Fault{`a"b\c`}},
			`bin,asset=Straße\,\ Nr.\ 1\=\ /,dev_eui=a840410001810001,model=�m fcnt=0i,gateways=0i,late=false,faults="a\"b\\c",time_source="gateway" 1782907200123456789`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(appendLine(nil, &tt.reading))
			if got != tt.want+"\n" {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The documentation names every measurement and every field that is a quantity.
func TestDocsNameEveryField(t *testing.T) {
	doc, err := os.ReadFile("../../docs/influxdb.md")
	if err != nil {
		t.Fatal(err)
	}
	_, fields, _ := strings.Cut(string(doc), "### Fields")
	fields, _, _ = strings.Cut(fields, "## Queries")
	for _, q := range city.Quantities() {
		if !strings.Contains(fields, "`"+q.String()+"`") {
			t.Errorf("docs/influxdb.md does not name the field %s (%s)", q, q.Unit())
		}
	}
	_, measurements, _ := strings.Cut(string(doc), "| measurement |")
	measurements, _, _ = strings.Cut(measurements, "\n")
	for _, k := range city.Kinds() {
		if !strings.Contains(measurements, "`"+k.String()+"`") {
			t.Errorf("docs/influxdb.md does not name the measurement %s", k)
		}
	}
}

// FuzzAppendLine: whatever names the inventory gives and whatever a decoder says, the line
// is one line, InfluxData's own parser reads it, and finds there what was meant.
func FuzzAppendLine(f *testing.F) {
	f.Add("PK-0042", "milesight/em310-udl", "no_echo", 83.5, int64(1_782_907_200_000_000_000))
	f.Add("Straße, Nr. 1=\n\\", `a\,b`, `"`, math.Copysign(0, -1), int64(1))
	f.Add(" ", "\xff", `\`, math.MaxFloat64, int64(-1))
	f.Fuzz(func(t *testing.T, asset, model, fault string, number float64, ns int64) {
		line := appendLine(nil, &city.Reading{
			Asset: asset, Model: model, Kind: city.Soil, FCnt: 7,
			Time:   city.Stamp{At: time.Unix(0, ns)},
			Values: []city.Value{{Quantity: city.SoilMoisture, Number: number}},
			Faults: []city.Fault{city.Fault(fault)},
		})
		if strings.Count(string(line), "\n") != 1 {
			t.Fatalf("not one line: %q", line)
		}
		metrics, err := protocol.NewParser(protocol.NewMetricHandler()).Parse(line)
		if err != nil || len(metrics) != 1 {
			t.Fatalf("%q: %d points, %v", line, len(metrics), err)
		}
		m := metrics[0]
		if m.Name() != "soil" || m.Time().UnixNano() != ns {
			t.Errorf("%q: name %q, time %d", line, m.Name(), m.Time().UnixNano())
		}
		fields := map[string]any{}
		for _, field := range m.FieldList() {
			fields[field.Key] = field.Value
		}
		if fields["fcnt"] != int64(7) || fields["late"] != false || fields["faults"] != printable(fault) {
			t.Errorf("%q: fields %v", line, fields)
		}
		if got, ok := fields["soil_moisture"]; ok == (math.IsNaN(number) || math.IsInf(number, 0)) || ok && got != number {
			t.Errorf("%q: value %v, want %v", line, got, number)
		}
		tags := map[string]string{"dev_eui": "0000000000000000"}
		for key, value := range map[string]string{"asset": asset, "model": model} {
			if value != "" {
				tags[key] = strings.ReplaceAll(printable(value), `\`, "/")
			}
		}
		got := map[string]string{}
		for _, tag := range m.TagList() {
			got[tag.Key] = tag.Value
		}
		if !maps.Equal(got, tags) {
			t.Errorf("%q: tags %q, want %q", line, got, tags)
		}
	})
}

// printable is what becomes of a text on its way: control characters are blanks, bytes
// that are no UTF-8 are replaced one by one.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
