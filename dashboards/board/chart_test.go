package board

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// charting is a board that can draw, in Berlin.
func charting(t testing.TB) *Board {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return &Board{opt: Options{Location: berlin}}
}

// filling is what a bin measured in so many readings up to now, newest first.
func filling(now time.Time, every time.Duration, values ...float64) []city.Reading {
	var all []city.Reading
	for i := range values {
		all = append(all, city.Reading{Kind: city.Bin, Time: city.Stamp{At: now.Add(-time.Duration(i) * every)}, Values: []city.Value{{Quantity: city.FillLevel, Number: values[len(values)-1-i]}}})
	}
	return all
}

func TestChart(t *testing.T) {
	b, now := charting(t), time.Date(2026, 10, 26, 11, 0, 0, 0, time.UTC) // the week of the doubled hour
	bin := &city.Asset{ID: "PK-1", Kind: city.Bin, Name: "Papierkorb <Domhof>"}
	limits := []city.Outlook{{Quantity: city.FillLevel, Limit: 90}, {Quantity: city.FillLevel, Limit: 90}, {Quantity: city.BatteryLevel, Limit: 15}}
	cases := []city.CaseTicket{
		{Case: city.Case{Ref: "S-1", Title: "Papierkorb voll", Quantity: city.FillLevel, Since: now.Add(-20 * 24 * time.Hour), Closed: now.Add(-19 * 24 * time.Hour)}},
		{Case: city.Case{Ref: "S-2", Title: "Papierkorb voll", Quantity: city.FillLevel, Since: now.Add(-10 * 24 * time.Hour), Closed: now.Add(-6 * 24 * time.Hour)}},
		{Case: city.Case{Ref: "S-3", Title: "Batterie", Quantity: city.BatteryLevel, Since: now.Add(-time.Hour)}},
		{Case: city.Case{Ref: "S-4", Title: "Papierkorb voll", Quantity: city.FillLevel, Since: now.Add(-84 * time.Hour)}},
	}
	c := b.chartOf(bin, filling(now, 24*time.Hour, 0, 20, 40, 95, 10), cases, limits, now)
	if c == nil {
		t.Fatal("no chart")
	}
	// 0 and 100 % are the lowest and the highest line; a day is 572/7 units wide.
	if want := "M301.1 210L382.9 171.2L464.6 132.4L546.3 25.7L628 190.6"; c.Path != want {
		t.Errorf("line is %s, want %s", c.Path, want)
	}
	if want := "Zuletzt 10,0 % (gerade eben), niedrigster Wert 0,0 % am 22.10.2026, 13:00 Uhr, höchster 95,0 % am 25.10.2026, 12:00 Uhr, 5 Messungen."; strings.ReplaceAll(c.Summary, nbsp, " ") != want {
		t.Errorf("summary is %q", c.Summary)
	}
	if len(c.Limits) != 1 || c.Limits[0].Word != "Schwelle 90,0"+nbsp+"%" || c.Limits[0].Y != "35.4" {
		t.Errorf("thresholds are %+v", c.Limits)
	}
	if len(c.Cases) != 2 || c.Cases[0].X != "56" || c.Cases[0].Link != "/meldung/S-2" || c.Cases[1].X != "342" || !strings.HasSuffix(c.Cases[1].Word, "noch offen") {
		t.Errorf("cases are %+v", c.Cases)
	}
	if len(c.X) != 7 || c.X[0].Word != "20.10." || len(c.Y) != 6 {
		t.Errorf("lines are %+v and %+v", c.X, c.Y)
	}
	for name, history := range map[string][]city.Reading{"nothing": nil, "one value": filling(now, time.Hour, 5), "old values": filling(now.Add(-30*24*time.Hour), time.Hour, 5, 6, 7)} {
		if c := b.chartOf(bin, history, nil, nil, now); c != nil {
			t.Errorf("%s: a chart of %s", name, c.Path)
		}
	}
	if c := b.chartOf(&city.Asset{ID: "P-1", Kind: city.Parking}, filling(now, time.Hour, 1, 0, 1), nil, nil, now); c != nil {
		t.Error("yes and no are no line")
	}
}

// TestChartIsBounded draws what is as long and as odd as can be, and looks for numbers that are
// none.
func TestChartIsBounded(t *testing.T) {
	b, now := charting(t), time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)
	many := make([]float64, 1000)
	for i := range many {
		many[i] = 50 + 50*math.Sin(float64(i))
	}
	for name, values := range map[string][]float64{"many": many, "all the same": {7, 7, 7}, "zeros": {0, 0}, "the whole range": {0, 100}, "hardly different": {5, 5 + 1e-12}} {
		c := b.chartOf(&city.Asset{ID: "PK-1", Kind: city.Bin}, filling(now, 10*time.Minute, values...), nil, nil, now)
		if c == nil {
			t.Fatalf("%s: no chart", name)
		}
		if n := strings.Count(c.Path, "L"); n > chartPoints || strings.Contains(c.Path, "NaN") || strings.Contains(c.Path, "Inf") || len(c.Y) < 2 || len(c.Y) > 12 {
			t.Errorf("%s: %d points, %d lines, %.80s", name, n, len(c.Y), c.Path)
		}
	}
	high := 0.0
	for _, s := range thinned(lineOf(many), 100) {
		high = max(high, s.value)
	}
	if _, want := extent(lineOf(many)); high != want {
		t.Errorf("the highest value %v is lost: %v", want, high)
	}
}

func lineOf(values []float64) []sample {
	var all []sample
	for i, v := range values {
		all = append(all, sample{time.Unix(int64(i)*600, 0), v})
	}
	return all
}

func TestNiceStep(t *testing.T) {
	for least, want := range map[float64]string{25: "50", 20: "20", 0.3: "0.5", 6: "10", 1: "1", 0: "1", 1200: "2000", math.NaN(): "1"} {
		if got := fmt.Sprint(niceStep(least)); got != want {
			t.Errorf("niceStep(%v) = %s, want %s", least, got, want)
		}
	}
}

// TestCode reads the picture of a code as XML: browsers refuse anything else.
func TestCode(t *testing.T) {
	body, err := qrSVG("https://tafel.example.org/anlage/PK-1")
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(string(body)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := len(body); n > 8000 {
		t.Errorf("%d bytes", n)
	}
	if _, err := qrSVG(strings.Repeat("x", 5000)); err == nil {
		t.Error("more than fits is no error")
	}
}
