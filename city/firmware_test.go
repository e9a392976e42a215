package city

import "testing"

func TestFirmware(t *testing.T) {
	for text, want := range map[string]string{
		"1.2.1": "1.2.1", "v1.1": "1.1", "V01.03": "1.3", "7": "7", "1.2.3.65535": "1.2.3.65535", "0.0": "0.0",
		"": "", "v": "", "1.": "", ".1": "", "1..2": "", "1.2.3.4.5": "", "1.65536": "", "1.-1": "", "1.+1": "", "1,2": "", "1.2-beta": "", "vv1": "", "01. Jan": "",
	} {
		f, err := ParseFirmware(text)
		if (err != nil) != (want == "") || f.String() != want || f.IsZero() != (want == "") {
			t.Errorf("%q: %q, %v, want %q", text, f, err, want)
		}
	}
}

func TestFirmwareAsText(t *testing.T) {
	for _, text := range []string{"", "1.2.1", "7"} {
		var f Firmware
		if err := f.UnmarshalText([]byte(text)); err != nil {
			t.Error(err)
		}
		if got, err := f.MarshalText(); string(got) != text || err != nil {
			t.Errorf("%q becomes %q, %v", text, got, err)
		}
	}
	if f := (Firmware{count: 1}); f.UnmarshalText([]byte("x")) == nil {
		t.Error("x is a version")
	}
}

func TestFirmwareOrder(t *testing.T) {
	for _, c := range []struct {
		f, g   string
		order  int
		within bool // f within g
	}{
		{"1.1", "1.1", 0, true},
		{"1.1.3", "1.1", 1, true},
		{"1.1", "1.1.3", -1, true},
		{"1.1.4", "1.1.3", 1, false},
		{"1.2", "1.1", 1, false},
		{"1.0.9", "1.1", -1, true},
		{"1.9", "1.10", -1, true},
		{"1.10", "1.9", 1, false},
		{"2.0", "1.9", 1, false},
		{"0.9", "1.1", -1, true},
	} {
		f, errF := ParseFirmware(c.f)
		g, errG := ParseFirmware(c.g)
		if errF != nil || errG != nil {
			t.Fatal(errF, errG)
		}
		if got := f.Compare(g); got != c.order {
			t.Errorf("%s to %s: %d, want %d", c.f, c.g, got, c.order)
		}
		if got := f.Within(g); got != c.within {
			t.Errorf("%s within %s: %v, want %v", c.f, c.g, got, c.within)
		}
	}
}
