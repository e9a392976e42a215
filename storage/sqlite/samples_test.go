package sqlite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

func TestSamples(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	begin := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	var c city.Commit
	// Two readings of each hour, at one time, of two assets in turn; the numbers are those of the readings.
	for i := range 24 {
		n := int64(i + 1)
		r := city.Reading{ID: n, DevEUI: city.EUI{byte(n)}, Asset: fmt.Sprintf("PK-%d", i%2), Kind: city.Bin, Model: "m", Epoch: 1, FCnt: uint32(n), Received: begin,
			Time: city.Stamp{At: begin.Add(time.Duration(i/4) * time.Hour), Source: city.TimeGPS}, Values: []city.Value{{Quantity: city.FillLevel, Number: float64(n)}}}
		switch n {
		case 5:
			r.Values[0] = city.Value{Quantity: city.Distance2, Number: 7}
			r.Faults = []city.Fault{city.FaultNoEcho}
		case 9:
			r.Simulated = true
		case 13:
			r.Late, r.Conflict, r.Values[0].Number = true, true, 0
		}
		c.Readings, c.Mark = append(c.Readings, r), city.Mark{Reading: n}
	}
	if err := s.Commit(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	hour := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }
	for _, c := range []struct {
		name  string
		q     city.SampleQuery
		want  []int64 // of asset PK-0: 1 3 (5) 7 [9] 11 13 15 17 19 21 23
		count int
	}{
		{"all", city.SampleQuery{Limit: 100}, []int64{1, 3, 5, 7, 11, 13, 15, 17, 19, 21, 23}, 10},
		{"newest first", city.SampleQuery{Limit: 3, NewestFirst: true}, []int64{23, 21, 19}, 3},
		{"a span, both ends in it", city.SampleQuery{From: hour(1), To: hour(2), Limit: 100}, []int64{5, 7, 11}, 2},
		{"behind one of the same time", city.SampleQuery{AfterTime: hour(3), AfterReading: 13, Limit: 2}, []int64{15, 17}, 2},
		{"behind one, newest first", city.SampleQuery{AfterTime: hour(3), AfterReading: 15, NewestFirst: true, Limit: 2}, []int64{13, 11}, 2},
		{"nothing", city.SampleQuery{From: hour(50), Limit: 2}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Asset, c.q.Quantity = "PK-0", city.FillLevel
			got, err := s.Samples(t.Context(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			var ids []int64
			for _, one := range got {
				ids = append(ids, one.Reading)
				want := city.Sample{Reading: one.Reading, Time: city.Stamp{At: hour(int(one.Reading-1) / 4), Source: city.TimeGPS}, Number: float64(one.Reading), Has: true}
				switch one.Reading {
				case 5:
					want.Number, want.Has, want.Faults = 0, false, []city.Fault{city.FaultNoEcho}
				case 13:
					want.Number, want.Late, want.Conflict = 0, true, true
				}
				if fmt.Sprint(one) != fmt.Sprint(want) {
					t.Errorf("got  %v\nwant %v", one, want)
				}
			}
			if !slices.Equal(ids, c.want) {
				t.Errorf("got %v, want %v", ids, c.want)
			}
			if n, err := s.CountSamples(t.Context(), c.q); err != nil || n != c.count {
				t.Errorf("counted %d, %v; want %d", n, err, c.count)
			}
		})
	}
	if n, err := s.CountSamples(t.Context(), city.SampleQuery{Asset: "PK-0", Quantity: city.Distance, Limit: 9}); n != 0 || err != nil {
		t.Errorf("distance counted %d, %v; want 0: distance_2 is another quantity", n, err)
	}
}

// TestSamplesUseTheIndex: without it every question would read the whole table.
func TestSamplesUseTheIndex(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	for _, newest := range []bool{false, true} {
		plan, err := s.PlanOfSamples(t.Context(), city.SampleQuery{Asset: "a", From: time.Unix(1, 0), To: time.Unix(2, 0), AfterTime: time.Unix(1, 0), AfterReading: 1, NewestFirst: newest, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, "USING INDEX readings_asset") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("newest first %v: %s", newest, plan)
		}
	}
}
