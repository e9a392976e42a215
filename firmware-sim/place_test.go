package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"meldefunk/city"
)

// places of a small city of every kind, as a play beginning at a moment has them.
func placesOf(c *City, begin time.Time, watch func(*site) *watch) []place {
	places := make([]place, 0, len(c.sites))
	weather := newWeather(c.cfg.Seed, c.cfg.Weather, begin)
	for i, s := range c.sites {
		start := &start{at: begin, rng: rand.New(rand.NewPCG(c.cfg.Seed, uint64(i))), role: s.role, weather: weather}
		if watch != nil {
			start.watch = watch(s)
		}
		places = append(places, s.begin(start))
	}
	return places
}

// summer begins off every grid, on a Friday before a month that has all there is: holidays
// are in spring, so a second beginning has those.
var (
	summer = time.Date(2026, 7, 3, 9, 7, 13, 123, time.UTC)
	spring = time.Date(2026, 3, 25, 22, 51, 7, 5, time.UTC) // summer time begins, and Easter
)

// TestTheWorldDoesNotDependOnWhoAsks: a place that is asked at every turn is at any moment
// as one that was not.
func TestTheWorldDoesNotDependOnWhoAsks(t *testing.T) {
	c := New(Config{Seed: 4, Bins: 24, Trees: 12, Bays: 8})
	for name, begin := range map[string]time.Time{"summer": summer, "spring": spring} {
		t.Run(name, func(t *testing.T) {
			often, seldom := placesOf(c, begin, nil), placesOf(c, begin, nil)
			rng := rand.New(rand.NewPCG(1, 2))
			at := begin
			for range 60 {
				at = at.Add(span(rng, time.Hour, 20*time.Hour))
				for i := range often {
					for back := 5; back >= 0; back-- { // the last time is at itself
						asked := at.Add(-time.Duration(back) * 7 * time.Minute)
						often[i].sense(asked, nil)
						often[i].state(asked, nil)
					}
					if got, want := often[i].sense(at, nil), seldom[i].sense(at, nil); !slices.Equal(got, want) {
						t.Fatalf("%s at %s: measured %v, asked less often %v", c.sites[i].asset.ID, at, got, want)
					}
					if got, want := often[i].state(at, nil), seldom[i].state(at, nil); !slices.Equal(got, want) {
						t.Fatalf("%s at %s: %v, asked less often %v", c.sites[i].asset.ID, at, got, want)
					}
				}
			}
		})
	}
}

// TestEpisodesAreWhatWasSo holds the episodes against a look at every minute.
func TestEpisodesAreWhatWasSo(t *testing.T) {
	c := New(Config{Seed: 9, Bins: 20, Trees: 12, Bays: 5})
	const length = 10 * 24 * time.Hour
	of := Thresholds{BinOver: []float64{50, 90, 100}, TreeBelow: []float64{30, 55}}
	for name, begin := range map[string]time.Time{"summer": summer, "spring": spring} {
		t.Run(name, func(t *testing.T) {
			episodes := map[city.EUI][]Episode{}
			total := map[EpisodeKind]int{}
			watched := placesOf(c, begin, func(s *site) *watch {
				return newWatch(s.asset, s.device.DevEUI, of, func(e Episode) {
					episodes[e.Device] = append(episodes[e.Device], e)
					total[e.Kind]++
				})
			})
			end := begin.Add(length)
			for _, p := range watched {
				p.finish(end)
			}
			quantity := map[EpisodeKind]city.Quantity{BinOver: city.FillLevel, TreeBelow: city.UsableFieldCapacity, BayOccupied: city.Occupied}
			kinds := map[city.Kind]EpisodeKind{city.Bin: BinOver, city.Soil: TreeBelow, city.Parking: BayOccupied}
			thresholds := map[EpisodeKind][]float64{BinOver: of.BinOver, TreeBelow: of.TreeBelow, BayOccupied: {1}}
			for i, p := range placesOf(c, begin, nil) {
				s := c.sites[i]
				kind := kinds[s.asset.Kind]
				for at := begin.Add(time.Minute); at.Before(end); at = at.Add(time.Minute) {
					level := math.NaN()
					for _, v := range p.state(at, nil) {
						if v.Quantity == quantity[kind] {
							level = v.Number
						}
					}
					for _, threshold := range thresholds[kind] {
						so := level >= threshold
						if kind == TreeBelow {
							so = level < threshold
						}
						told, near := within(episodes[s.device.DevEUI], threshold, at)
						if so != told && !near {
							t.Fatalf("%s at %s: %.6f with threshold %v, the episodes say %v", s.asset.ID, at, level, threshold, told)
						}
					}
				}
			}
			if total[BinOver] < 60 || total[BayOccupied] < 60 || name == "summer" && total[TreeBelow] < 5 {
				t.Errorf("%v: too few to mean anything", total)
			}
			t.Logf("%v", total)
		})
	}
}

// within tells whether an episode with a threshold is going on, and whether one begins or
// ends within a millisecond.
func within(episodes []Episode, threshold float64, at time.Time) (told, near bool) {
	for _, e := range episodes {
		if e.Threshold != threshold {
			continue
		}
		told = told || !at.Before(e.From) && (e.To.IsZero() || at.Before(e.To))
		near = near || at.Sub(e.From).Abs() < time.Millisecond || at.Sub(e.To).Abs() < time.Millisecond
	}
	return told, near
}

func TestEpisodesFollowEachOther(t *testing.T) {
	c := New(Config{Seed: 2, Bins: 20, Bays: 20})
	var of Thresholds
	for level := range 100 {
		of.BinOver = append(of.BinOver, float64(level)+0.5)
	}
	type line struct {
		device    city.EUI
		threshold float64
	}
	last := map[line]time.Time{}
	open := 0
	end := noon.Add(7*24*time.Hour + 7*time.Minute)
	for _, p := range placesOf(c, noon, func(s *site) *watch {
		return newWatch(s.asset, s.device.DevEUI, of, func(e Episode) {
			l := line{e.Device, e.Threshold}
			switch {
			case e.From.Before(noon), e.From.Before(last[l]), e.From.After(end), e.To.After(end), !e.To.IsZero() && !e.From.Before(e.To):
				t.Errorf("%+v after one that ended at %s", e, last[l])
			case e.To.IsZero():
				open++
			}
			last[l] = e.To
		})
	}) {
		p.finish(end)
	}
	if open == 0 || len(last) < 1000 {
		t.Errorf("%d open at the end, %d thresholds with episodes: too few to mean anything", open, len(last))
	}
}

func TestEmptiedBinsFallToTheResidue(t *testing.T) {
	c := New(Config{Seed: 3, Bins: 60})
	emptied := 0
	for i, p := range placesOf(c, spring, nil) {
		b := p.(*bin)
		for b.line.to.Before(spring.AddDate(0, 0, 60)) {
			before := b.line
			b.step()
			if math.IsNaN(b.line.end) || b.line.end < b.line.begin || b.line.end > 100 || !b.line.from.Equal(before.to) || !b.line.to.After(b.line.from) {
				t.Fatalf("%s: %+v after %+v", c.sites[i].asset.ID, b.line, before)
			}
			if b.line.begin == before.end {
				continue
			}
			emptied++
			if b.line.begin < 0 || b.line.begin > residue {
				t.Errorf("%s: %.1f %% left after emptying, want 0 to %v", c.sites[i].asset.ID, b.line.begin, residue)
			}
			w := wall(b.line.from)
			if hour := hourOf(w); c.sites[i].role == ordinary && (holiday(w) || hour < firstStop || hour > 15) {
				t.Errorf("%s: emptied on %s", c.sites[i].asset.ID, w.Format("2006-01-02 15:04"))
			}
		}
	}
	if emptied < 500 {
		t.Errorf("%d emptyings: too few to mean anything", emptied)
	}
}

// TestToursKeepTheirOrder: on any day the stops of a crew come one after the other along
// its route, and most of them do.
func TestToursKeepTheirOrder(t *testing.T) {
	daily := [7]bool{true, true, true, true, true, true, true}
	among := streetsOf(centre, stop, homes, green)
	var stops []tourStop
	for i, s := range among {
		if tourOf(s.district) == "West" {
			for number := 1; number <= s.numbers; number += 9 {
				stops = append(stops, newTourStop(spot{street: s, number: number}, "West", daily, uint64(i*1000+number)))
			}
		}
	}
	missed, days := 0, 0
	for day := range 60 {
		morning := time.Date(2026, 9, 1+day, 0, 0, 0, 0, time.UTC)
		last := morning
		came := 0
		for _, s := range stops {
			at := s.next(7, morning)
			if at.Sub(morning) > 20*time.Hour {
				continue
			}
			if came++; at.Before(last) {
				t.Fatalf("the stop %.2f along the route at %s, the one before it at %s", s.along, at, last)
			}
			last = at
		}
		if came == 0 {
			missed++
			continue
		}
		if days++; float64(came) < 0.8*float64(len(stops)) {
			t.Errorf("%s: %d of %d stops", morning.Format(time.DateOnly), came, len(stops))
		}
	}
	if missed == 0 || missed > 8 {
		t.Errorf("the tour did not go on %d of 60 days: want the holidays and few more", missed)
	}
}

// TestWaterIsNeitherLostNorMade: what came is what went and what is stored.
func TestWaterIsNeitherLostNorMade(t *testing.T) {
	c := New(Config{Seed: 6, Trees: 60, Weather: WeatherScript{DryFrom: 60, DryDays: 20, RainMM: 80}})
	var sum waterAccounts
	driest, wettest := 100.0, 0.0
	for i, p := range placesOf(c, spring, nil) {
		tree, isTree := p.(*tree)
		if !isTree {
			continue
		}
		first := tree.stored()
		for day := range 200 {
			tree.advance(spring.AddDate(0, 0, day))
			a := tree.accounts
			in, out := a.rain+a.watered, a.evaporated+a.drained+tree.stored()-first
			if diff := math.Abs(in - out); !(diff <= 1e-9*max(1, in)) {
				t.Fatalf("%s after %d days: %.12f mm came, %.12f mm went or are there", c.sites[i].asset.ID, day, in, out)
			}
			share := tree.share(tree.line.end)
			driest, wettest = min(driest, share), max(wettest, share)
			if tree.line.end > pores/100*tree.depth || share < -1 || tree.crown < 0 || tree.bag < 0 {
				t.Fatalf("%s after %d days: %.1f %% of what is usable, %.1f mm on the crown, %.1f in the bag", c.sites[i].asset.ID, day, share, tree.crown, tree.bag)
			}
		}
		a := tree.accounts
		sum.rain, sum.watered, sum.evaporated, sum.drained = sum.rain+a.rain/60, sum.watered+a.watered/60, sum.evaporated+a.evaporated/60, sum.drained+a.drained/60
	}
	if sum.rain < 200 || sum.watered < 10 || sum.evaporated < 150 || sum.drained < 5 || driest > 20 || wettest < 100 {
		t.Errorf("mm for a tree: %+v; usable water between %.0f and %.0f %%: nothing happened", sum, driest, wettest)
	}
	t.Logf("mm for a tree: %+v; usable water between %.0f and %.0f %%", sum, driest, wettest)
}

func TestADryWeekDriesTheSoil(t *testing.T) {
	c := New(Config{Seed: 1, Trees: 30, Weather: WeatherScript{DryDays: 7, RainMM: 25}})
	begin := time.Date(2026, 7, 6, 0, 0, 0, 0, time.UTC)
	for i, p := range placesOf(c, begin, nil) {
		tree, isTree := p.(*tree)
		if !isTree || tree.young { // which are watered
			continue
		}
		at := func(days, hours int) float64 {
			tree.advance(begin.Add(time.Duration(days*24+hours) * time.Hour))
			return tree.share(tree.line.end)
		}
		first, dry, wet := at(0, 0), at(7, 10), at(7, 20)
		if dry > first-3 && dry > 15 || wet < dry+3 {
			t.Errorf("%s: %.0f %% usable, %.0f after the dry week, %.0f after the rain", c.sites[i].asset.ID, first, dry, wet)
		}
	}
}

// TestTreesAreWateredInDryWeeks: by their crew's days and hours, from April to October, the
// young ones every week, the old ones when it goes on; and not while it rains.
func TestTreesAreWateredInDryWeeks(t *testing.T) {
	for name, d := range map[string]struct {
		begin            string
		days             int
		young, old, most float64 // visits to a tree: at least for young and old, at most for any
	}{
		"four dry weeks of July":    {"2026-07-01", 28, 2.2, 0.3, 4},
		"four dry weeks of January": {"2026-01-02", 28, 0, 0, 0},
		"four weeks as they come":   {"2026-07-01", 0, 0.5, 0, 4},
	} {
		t.Run(name, func(t *testing.T) {
			begin, err := time.Parse(time.DateOnly, d.begin)
			if err != nil {
				t.Fatal(err)
			}
			c := New(Config{Seed: 8, Trees: 80, Weather: WeatherScript{DryDays: d.days}})
			weather := newWeather(8, c.cfg.Weather, begin)
			var visits, count [2]float64
			for i, p := range placesOf(c, begin, nil) {
				tree, isTree := p.(*tree)
				if !isTree {
					continue
				}
				age, mine, before := int(city.Bool(tree.young)), 0.0, 0.0
				for at := begin; at.Before(begin.AddDate(0, 0, 28)); at = at.Add(soilStep) {
					tree.advance(at)
					if tree.accounts.watered == before {
						continue
					}
					before = tree.accounts.watered
					mine++
					w := wall(at)
					if day, hour := w.Weekday(), hourOf(w); day != time.Tuesday && day != time.Thursday || hour < firstStop || hour > 12 {
						t.Errorf("%s: watered on %s", c.sites[i].asset.ID, w.Format("Mon 15:04"))
					}
					rain, days := 0.0, 7
					if !tree.young {
						days = 21
					}
					for back := 1; back <= days; back++ {
						rain += weather.on(dayNumber(w) - uint64(back)).rain
					}
					if rain >= dryLimit {
						t.Errorf("%s: watered after %.1f mm of rain in %d days", c.sites[i].asset.ID, rain, days)
					}
				}
				if mine > d.most {
					t.Errorf("%s: watered %v times, want at most %v", c.sites[i].asset.ID, mine, d.most)
				}
				visits[age] += mine
				count[age]++
			}
			old, young := visits[0]/count[0], visits[1]/count[1]
			if young < d.young || old < d.old || old > young {
				t.Errorf("young trees were watered %.1f times, old ones %.1f times, want at least %v and %v", young, old, d.young, d.old)
			}
			t.Logf("young trees were watered %.1f times, old ones %.1f times", young, old)
		})
	}
}

func TestCrowdsFillBins(t *testing.T) {
	begin := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	days := map[string]int{}
	for back := range 365 {
		number := dayNumber(begin) + uint64(back)
		for _, district := range []string{"Innenstadt", "Schinkel", "Wüste"} {
			h := happeningsOn(5, number, district)
			if h != happeningsOn(5, number, district) {
				t.Fatal("the calendar changes")
			}
			if h.n > 0 {
				days[district]++
			}
			for _, a := range h.list[:h.n] {
				if a.factor <= 1 || a.from >= a.to || a.to > 24 || h.factor(a.from) < a.factor || h.factor(a.to) > festival && district != stadium {
					t.Errorf("%s %s: %+v", dateOf(number).Format(time.DateOnly), district, a)
				}
			}
		}
	}
	// 50 markets, 10 days of festival (2 of them market days), 27 of Christmas market (4);
	// 21 or so matches and a weekend; a weekend.
	if got := days["Innenstadt"]; got < 75 || got > 90 {
		t.Errorf("%d days in the old town", got)
	}
	if got := days["Schinkel"]; got < 20 || got > 26 {
		t.Errorf("%d days in Schinkel", got)
	}
	if got := days["Wüste"]; got != 2 {
		t.Errorf("%d days in Wüste, want one weekend", got)
	}
}

func TestFromWall(t *testing.T) {
	for at := time.Date(2026, 3, 1, 5, 30, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(7 * time.Hour) {
		if got := fromWall(wall(at)); !got.Equal(at) {
			t.Errorf("%s: %s", at, got)
		}
	}
}

// BenchmarkHour is an hour of a place; the target is 2 µs of the processor, which on a busy
// machine is less than what the clock on the wall says.
func BenchmarkHour(b *testing.B) {
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"bin", Config{Seed: 1, Bins: 800}},
		{"tree", Config{Seed: 1, Trees: 800}},
		{"bay", Config{Seed: 1, Bays: 800}},
		{"city", Config{Seed: 1, Bins: 450, Trees: 200, Bays: 150}},
	} {
		b.Run(c.name, func(b *testing.B) {
			told := 0
			places := placesOf(New(c.cfg), noon, func(s *site) *watch {
				return newWatch(s.asset, s.device.DevEUI, Thresholds{BinOver: []float64{90}, TreeBelow: []float64{30}}, func(Episode) { told++ })
			})
			at := noon
			b.ReportAllocs()
			before := processorTime(b)
			for i := 0; i < b.N; i++ {
				if i%len(places) == 0 {
					at = at.Add(time.Hour)
				}
				places[i%len(places)].advance(at)
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}
