package main

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
)

func runDecode(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	return run(t, append([]string{"decode"}, args...)...)
}

// What a technician sees, for families of every kind of layout.
func TestDecodeTable(t *testing.T) {
	for _, c := range []struct {
		name, args string
		code       int
		want       string
	}{
		{"items, a fill level, a tail", "-m milesight/em310-udl -p 85 --empty 2500 --full 300 01755C 03824408 040001 AABB", exitOK, `
BYTES  HEX   BITS  NAME            RAW   MEANING
0-1    0175        type 0175             battery_level
2      5c          battery_level   92    92 %
3-4    0382        type 0382             distance
5-6    4408        distance        2116  2116 mm
7-8    0400        type 0400             tilt
9      01          tilt            1     yes
10-11  aabb        not understood        fault unparsed_tail: unknown type aabb

battery_level   92                  %
distance        2116                mm
tilt            yes
fill_level      17.454545454545457  %   (from the calibration)
fault           unparsed_tail
not understood  aabb
state           partial
`},
		{"a fixed frame with bits, a soil type", "-m dragino/lse01 -p 2 --soil-type Sl3 0CE57FFF05DC04B900C810", exitOK, `
BYTES  HEX   BITS   NAME              RAW    MEANING
0      0c    7..6   not read          0
0-1    0ce5  13..0  battery_voltage   3301   3.301 V
2-3    7fff         temperature       32767  not measured
4-5    05dc         soil_moisture     1500   15 %
6-7    04b9         soil_temperature  1209   12.09 °C
8-9    00c8         conductivity      200    200 µS/cm
10     10    7      MOD               0
10     10    6..5   not read          0
10     10    4      sensor flag       1
10     10    3..0   interrupt         0

battery_voltage        3.301              V
soil_moisture          15                 %
soil_temperature       12.09              °C
conductivity           200                µS/cm
usable_field_capacity  38.46153846153847  %      (from the calibration)
state                  ok
`},
		{"blocks", "-m decentlab/dl-trs21 -p 1 02012F00030FA080C80C25", exitOK, `
BYTES  HEX   BITS  NAME              RAW    MEANING
0      02          protocol version  2
1-2    012f        device id
3-4    0003        flags                    blocks 0, 1
5-6    0fa0        soil_tension      4000   400 kPa
7-8    80c8        soil_temperature  32968  20 °C
9-10   0c25        battery_voltage   3109   3.109 V

soil_tension      400    kPa
soil_temperature  20     °C
battery_voltage   3.109  V
state             ok
`},
		{"bits of one byte", "-m nwave/nps405 -p 1 95", exitOK, `
BYTES  HEX  BITS  NAME               RAW  MEANING
0      95   7..1  previous_duration  74   74 min
0      95   0     occupied           1    yes

occupied           yes
previous_duration  74   min
state              ok
`},
		{"records, a fault by name", "-m dragino/dds75-3-lb -p 3 --empty 2000 --full 200 03E805DC07D0006553F100 01F4000007D0406553F358", exitOK, `
BYTES  HEX       BITS  NAME                RAW         MEANING
0-1    03e8            past distance       1000        1000 mm
2-3    05dc            past distance_2     1500        1500 mm
4-5    07d0            past distance_3     2000        2000 mm
6      00              flags               0
7-10   6553f100        time of the record  1700000000  2023-11-14T22:13:20Z
11-12  01f4            past distance       500         500 mm
13-14  0000            past distance_2     0           fault no_sensor
15-16  07d0            past distance_3     2000        2000 mm
17     40              flags               64
18-21  6553f358        time of the record  1700000600  2023-11-14T22:23:20Z

state  ok

TIME                  MEASURED THEN
2023-11-14T22:13:20Z  distance 1000 mm, distance_2 1500 mm, distance_3 2000 mm, fill_level 55.55555555555556 % (from the calibration)
2023-11-14T22:23:20Z  distance 500 mm, distance_3 2000 mm, fill_level 83.33333333333334 % (from the calibration), fault no_sensor
`},
		{"no calibration", "-m dragino/ldds75 -p 2 0D3B0AEF00000001", exitOK, `
BYTES  HEX   BITS   NAME             RAW   MEANING
0      0d    7..6   not read         0
0-1    0d3b  13..0  battery_voltage  3387  3.387 V
2-3    0aef         distance         2799  2799 mm
4      00           interrupt        0
5-6    0000         temperature      0     0 °C
7      01           probe found      1

battery_voltage  3.387         V
distance         2799          mm
temperature      0             °C
fault            uncalibrated      no level without --empty and --full, or --zero
state            partial
`},
		{"water level", "-m milesight/em310-udl -p 85 --zero 4500 03824408", exitOK, `
BYTES  HEX   BITS  NAME       RAW   MEANING
0-1    0382        type 0382        distance
2-3    4408        distance   2116  2116 mm

distance     2116  mm
water_level  2384  mm  (from the calibration)
state        ok
`},
		{"older firmware", "-m dragino/lse01 -p 2 --firmware v1.1 ce2900f107a5099b6e2890", exitOK, `
BYTES  HEX   BITS   NAME              RAW    MEANING
0      ce    7..6   not read          3
0-1    ce29  13..0  battery_voltage   3625   3.625 V
2-3    00f1         temperature       241    24.1 °C
4-5    07a5         soil_moisture     1957   19.57 %
6-7    099b         soil_temperature  2459   24.59 °C
8-9    6e28         conductivity      28200  28200 µS/cm
10     90           interrupt         144

battery_voltage   3.625  V
temperature       24.1   °C
soil_moisture     19.57  %
soil_temperature  24.59  °C
conductivity      28200  µS/cm
state             ok
`},
		{"nothing measured", "-m bosch/tps110 -p 4 0102", exitOK, `
BYTES  HEX   BITS  NAME                RAW  MEANING
0-1    0102        device information       not read

state  ok
`},
		{"understood to a point", "-m decentlab/dl-mbx -p 1 0310D3", exitFailure, `
BYTES  HEX   BITS  NAME              RAW  MEANING
0      03          protocol version  3    3, want 2
1-2    10d3        not understood
meldefunk: undecodable: decentlab/dl-mbx port 1: protocol version 3, want 2 (payload 0310d3)
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := runDecode(t, strings.Fields(c.args)...)
			if want := strings.TrimPrefix(c.want, "\n"); code != c.code || out != want {
				t.Errorf("exit code %d, want %d\n%s\nwant\n%s", code, c.code, out, want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	const bin, soil = "-m milesight/em310-udl -p 85 03824408 ", "-m dragino/lse01 -p 2 0CE57FFF05DC04B900C810 "
	for _, c := range []struct {
		name, args string
		code       int
		want       string
	}{
		{"no hex", "-m bosch/tps110 xyz", exitUsage, `payload "xyz"`},
		{"unknown model", "-m bosch/tps111 00", exitUsage, "meldefunk model list"},
		{"unknown port", "-m bosch/tps110 -p 99 00", exitFailure, "unknown_port: bosch/tps110 sends nothing on port 99"},
		{"wrong length", "-m bosch/tps110 -p 1 0000", exitFailure, "undecodable: bosch/tps110 port 1: 2 bytes, want 1"},
		{"full beyond empty", bin + "--empty 300 --full 2500", exitUsage, "--full 2500 must be less than --empty 300"},
		{"half a calibration", bin + "--empty 300", exitUsage, "both --empty and --full"},
		{"offset alone", bin + "--offset 20", exitUsage, "both --empty and --full"},
		{"no numbers", bin + "--empty 2500 --full 300 --offset nan", exitUsage, "want plain numbers of mm"},
		{"endless", bin + "--empty inf --full 300", exitUsage, "want plain numbers of mm"},
		{"no shape", bin + "--empty 2500 --full 300 --shape cube", exitUsage, `--shape: unknown shape "cube"`},
		{"table", bin + "--empty 2500 --full 300 --shape table", exitUsage, "--shape table: its points cannot be given here"},
		{"height of a box", bin + "--empty 2500 --full 300 --height 2400", exitUsage, "--height: only a lying_cylinder or sphere"},
		{"diameter too small", bin + "--empty 2500 --full 300 --shape sphere --height 2000", exitUsage, "--height 2000 is less than from empty to full, 2200"},
		{"no gauge zero", bin + "--zero -1", exitUsage, "--zero -1: want a number of mm, more than 0"},
		{"no firmware", soil + "--firmware newest", exitUsage, `--firmware: "newest" is no firmware version`},
		{"no soil", soil + "--soil-type Sand", exitUsage, `--soil-type: unknown soil type "Sand"`},
		{"half a soil", soil + "--field-capacity 30", exitUsage, "both --field-capacity and --wilting-point"},
		{"soil twice", soil + "--soil-type Sl3 --field-capacity 30 --wilting-point 10", exitUsage, "--soil-type stands beside"},
		{"soil upside down", soil + "--field-capacity 10 --wilting-point 30", exitUsage, "want 0 ≤ wilting point < field capacity ≤ 100"},
		{"soil without number", soil + "--field-capacity nan --wilting-point 30", exitUsage, "want 0 ≤ wilting point < field capacity ≤ 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if out, code := runDecode(t, strings.Fields(c.args)...); code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, want %d with %q in:\n%s", code, c.code, c.want, out)
			}
		})
	}
}

// Every flag of the calibration counts.
func TestDecodeCalibration(t *testing.T) {
	const bin, soil = "-m milesight/em310-udl -p 85 03824408 ", "-m dragino/lse01 -p 2 0CE57FFF05DC04B900C810 "
	for _, c := range []struct {
		name, args string
		quantity   city.Quantity
		want       float64
	}{
		{"linear", bin + "--empty 2500 --full 500", city.FillLevel, 19.2},
		{"offset", bin + "--empty 2500 --full 500 --offset -16", city.FillLevel, 20},
		{"lying cylinder", bin + "--empty 3116 --full 1116 --shape lying_cylinder", city.FillLevel, 50},
		{"sphere", bin + "--empty 2616 --full 616 --shape sphere", city.FillLevel, 15.625},
		{"sphere, full at half its height", bin + "--empty 2616 --full 1616 --shape sphere --height 2000", city.FillLevel, 31.25},
		{"soil type", soil + "--soil-type Ss", city.UsableFieldCapacity, 100},
		{"measured soil", soil + "--field-capacity 30 --wilting-point 10", city.UsableFieldCapacity, 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := runDecode(t, append(strings.Fields(c.args), "--json")...)
			var answer struct {
				Values   map[string]any
				Computed []string
			}
			if err := json.Unmarshal([]byte(out), &answer); err != nil || code != exitOK {
				t.Fatalf("exit code %d, %v: %s", code, err, out)
			}
			got, _ := answer.Values[c.quantity.String()].(float64)
			if math.Abs(got-c.want) > 1e-9 || !slices.Equal(answer.Computed, []string{c.quantity.String()}) {
				t.Errorf("%v, computed %v, want %s %v", answer.Values, answer.Computed, c.quantity, c.want)
			}
		})
	}
}

func TestDecodeJSON(t *testing.T) {
	for _, c := range []struct {
		name, args string
		code       int
		want       string
	}{
		{"reading", "-m bosch/tps110 -p 2 00F6", exitOK, `{"model":"bosch/tps110","port":2,"bytes":[` +
			`{"from":0,"to":1,"hex":"00","bits":"7..1","name":"not read","raw":"0","meaning":""},` +
			`{"from":0,"to":1,"hex":"00","bits":"0","name":"occupied","raw":"0","meaning":"no"},` +
			`{"from":1,"to":2,"hex":"f6","bits":"","name":"temperature","raw":"-10","meaning":"-10 °C"}],` +
			`"values":{"occupied":false,"temperature":-10},"computed":[],"faults":[],"tail":"","state":"ok"}` + "\n"},
		{"record", "-m dragino/dds75-3-lb -p 3 03E8000007D0006553F100 --empty 2000 --full 200", exitOK,
			`"history":[{"time":"2023-11-14T22:13:20Z","values":{"distance":1000,"distance_3":2000,"fill_level":55.55555555555556},"computed":["fill_level"],"faults":["no_sensor"]}],"state":"ok"}`},
		{"rejection", "-m bosch/tps110 -p 1 0000", exitFailure, `{"model":"bosch/tps110","port":1,` +
			`"error":"undecodable: bosch/tps110 port 1: 2 bytes, want 1 (payload 0000)","bytes":[` +
			`{"from":0,"to":2,"hex":"0000","bits":"","name":"not understood","raw":"0000","meaning":""}],"values":{},"computed":[],"faults":[],"tail":""}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, code := runDecode(t, append(strings.Fields(c.args), "--json")...)
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, want %d with\n%s\nin\n%s", code, c.code, c.want, out)
			}
		})
	}
}
