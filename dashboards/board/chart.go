package board

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// The chart is drawn in units of its own; the left and the bottom have room for words.
const (
	chartWidth, chartHeight = 640.0, 240.0
	chartLeft, chartRight   = 56.0, 12.0
	chartTop, chartBottom   = 16.0, 30.0

	chartReadings = 1000 // read for a chart at most, the newest
	chartPoints   = 400  // drawn at most: lowest and highest of each part of the time
	chartSpan     = 7 * 24 * time.Hour
	chartFewest   = 2
)

// chart is how a quantity went, with the thresholds of rules and the cases that were opened.
type chart struct {
	Title, Summary string
	Path           string
	X, Y           []tick
	Limits         []chartLimit
	Cases          []chartCase
}

// tick is a line across the chart with its word.
type tick struct{ At, Word string }

// chartLimit is a threshold.
type chartLimit struct{ Y, WordY, Word string }

// chartCase is a case, from its opening to its end.
type chartCase struct {
	Nr   string
	X, W string
	Mark string // where its number stands
	Link string
	Word string
}

// chartOf draws the quantity that an asset is looked at for, over the last week; nil: there is
// too little to draw. history is the newest first.
func (b *Board) chartOf(a *city.Asset, history []city.Reading, cases []city.CaseTicket, limits []city.Outlook, now time.Time) *chart {
	q := charted(a.Kind, history, limits)
	if q == city.QuantityUnknown {
		return nil
	}
	from := now.Add(-chartSpan)
	var line []sample
	for i := range slices.Backward(history) {
		r := &history[i]
		if v, ok := r.Value(q); ok && !r.Simulated && !r.Time.At.Before(from) && !r.Time.At.After(now) {
			line = append(line, sample{r.Time.At, v})
		}
	}
	if len(line) < chartFewest {
		return nil
	}
	slices.SortStableFunc(line, func(x, y sample) int { return x.at.Compare(y.at) })
	low, high := q.Range()
	lowest, highest := extent(line)
	for _, l := range limits {
		if l.Quantity == q {
			lowest, highest = min(lowest, l.Limit), max(highest, l.Limit)
		}
	}
	if q.Unit() == "%" { // of which everybody knows how much there can be: a small change must not look like a big one
		lowest, highest = low, high
	}
	step := niceStep((highest - lowest) / 5)
	lowest, highest = max(low, math.Floor(lowest/step)*step), min(high, math.Ceil(highest/step)*step)
	if highest <= lowest {
		highest = lowest + step
	}
	x := func(t time.Time) float64 {
		return chartLeft + (chartWidth-chartLeft-chartRight)*float64(t.Sub(from))/float64(chartSpan)
	}
	y := func(v float64) float64 {
		return chartHeight - chartBottom - (chartHeight-chartTop-chartBottom)*(v-lowest)/(highest-lowest)
	}
	c := &chart{Title: quantityWord(a.Kind, q) + " " + nameOf(a) + ", die letzten 7" + nbsp + "Tage"}
	c.Summary = b.chartSummary(q, line, now)
	var path strings.Builder
	for i, s := range thinned(line, chartPoints) {
		path.WriteString([...]string{"M", "L"}[min(i, 1)] + unit(x(s.at)) + " " + unit(y(s.value)))
	}
	c.Path = path.String()
	for v := lowest; v <= highest+step/1000; v += step {
		c.Y = append(c.Y, tick{unit(y(v)), number(v, tickDecimals(step))})
	}
	for day := 0; day <= 7; day++ {
		yy, m, d := from.In(b.opt.Location).Date()
		if t := time.Date(yy, m, d+day, 0, 0, 0, 0, b.opt.Location); !t.Before(from) && t.Before(now) {
			c.X = append(c.X, tick{unit(x(t)), t.Format("02.01.")})
		}
	}
	seen := map[float64]bool{}
	for _, l := range limits {
		if l.Quantity == q && !seen[l.Limit] {
			seen[l.Limit] = true
			c.Limits = append(c.Limits, chartLimit{unit(y(l.Limit)), unit(y(l.Limit) - 4), "Schwelle " + amount(q, l.Limit)})
		}
	}
	for i := range cases {
		k := &cases[i].Case
		end := cmp.Or(k.Closed, now)
		if end.Before(from) || k.Quantity != q {
			continue
		}
		begin := max(x(k.Since), chartLeft)
		c.Cases = append(c.Cases, chartCase{Nr: count(len(c.Cases) + 1), X: unit(begin), W: unit(max(2, x(end)-begin)), Mark: unit(min(begin+3, chartWidth-chartRight-24)), Link: caseLink(k.Ref),
			Word: k.Title + ", " + clock(k.Since, b.opt.Location) + b.until(k.Closed)})
	}
	return c
}

// until says when a case ended.
func (b *Board) until(closed time.Time) string {
	if closed.IsZero() {
		return ", noch offen"
	}
	return " bis " + clock(closed, b.opt.Location)
}

// sample is one measured value.
type sample struct {
	at    time.Time
	value float64
}

// charted is the quantity to draw: what a rule waits for, or else what matters most.
func charted(k city.Kind, history []city.Reading, limits []city.Outlook) city.Quantity {
	wanted := looksAt(k)
	if o := mainOutlook(limits, k); o != nil {
		wanted = append([]city.Quantity{o.Quantity}, wanted...)
	}
	for _, q := range wanted {
		if q.Boolean() || q == city.Latitude || q == city.Longitude {
			continue
		}
		for i := range history {
			if _, ok := history[i].Value(q); ok {
				return q
			}
		}
	}
	return city.QuantityUnknown
}

func extent(line []sample) (lowest, highest float64) {
	lowest, highest = math.Inf(1), math.Inf(-1)
	for _, s := range line {
		lowest, highest = min(lowest, s.value), max(highest, s.value)
	}
	return lowest, highest
}

// thinned keeps the lowest and the highest of each part of the time, and so every peak.
func thinned(line []sample, most int) []sample {
	if len(line) <= most {
		return line
	}
	parts := most / 2
	first, span := line[0].at, line[len(line)-1].at.Sub(line[0].at)
	var kept []sample
	for i := 0; i < len(line); {
		part := func(s sample) int {
			return min(parts-1, int(float64(parts)*float64(s.at.Sub(first))/float64(max(1, span))))
		}
		low, high, j := i, i, i
		for ; j < len(line) && part(line[j]) == part(line[i]); j++ {
			if line[j].value < line[low].value {
				low = j
			}
			if line[j].value > line[high].value {
				high = j
			}
		}
		kept = append(kept, line[min(low, high)])
		if low != high {
			kept = append(kept, line[max(low, high)])
		}
		i = j
	}
	return kept
}

// niceStep is the next of 1, 2, 5 times a power of ten.
func niceStep(least float64) float64 {
	if !(least > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= least*0.999 {
			return f * power
		}
	}
	return 10 * power
}

func tickDecimals(step float64) int {
	return int(max(0, min(5, math.Ceil(-math.Log10(step)))))
}

// chartSummary tells the chart in a sentence.
func (b *Board) chartSummary(q city.Quantity, line []sample, now time.Time) string {
	low, high := line[0], line[0]
	for _, s := range line {
		if s.value < low.value {
			low = s
		}
		if s.value > high.value {
			high = s
		}
	}
	last := line[len(line)-1]
	return "Zuletzt " + amount(q, last.value) + " (" + age(now.Sub(last.at)) + "), niedrigster Wert " + amount(q, low.value) + " am " + clock(low.at, b.opt.Location) +
		", höchster " + amount(q, high.value) + " am " + clock(high.at, b.opt.Location) + ", " + counted(len(line), "Messung", "Messungen") + "."
}
