package quality

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Result is what came of one subject at one period.
type Result struct {
	Subject string
	Period  time.Duration
	Scores  []Score // as the deciders were given
}

// At puts the results of all subjects at a period together.
func At(all []Result, period time.Duration) Result {
	sum := Result{Subject: "all", Period: period}
	for _, r := range all {
		if r.Period != period {
			continue
		}
		if sum.Scores == nil {
			sum.Scores = make([]Score, len(r.Scores))
		}
		for i := range r.Scores {
			sum.Scores[i].Add(r.Scores[i])
		}
	}
	return sum
}

// Table writes results as a table in Markdown, with a column for each period.
func Table(w io.Writer, names []string, all []Result) error {
	var b strings.Builder
	b.WriteString("| | decided by |")
	for _, p := range Periods() {
		fmt.Fprintf(&b, " every %s |", lasting(p))
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(Periods())) + "\n")
	var subjects []string
	for _, s := range Subjects() {
		subjects = append(subjects, s.Name)
	}
	for _, subject := range append(subjects, "all") {
		for i, name := range names {
			fmt.Fprintf(&b, "| %s | %s |", subject, name)
			for _, p := range Periods() {
				fmt.Fprintf(&b, " %s |", cell(&find(all, subject, p).Scores[i]))
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func find(all []Result, subject string, period time.Duration) Result {
	for _, r := range all {
		if r.Subject == subject && r.Period == period {
			return r
		}
	}
	return At(all, period)
}

func cell(s *Score) string {
	return fmt.Sprintf("%.1f %% of %d / %.1f %% of %d / %s", 100*s.FalseShare(), s.Cases, 100*s.MissedShare(), s.Episodes, lasting(s.Delay()))
}

// lasting writes a span to the minute.
func lasting(d time.Duration) string {
	d = d.Round(time.Minute)
	switch h, m := int(d/time.Hour), int(d%time.Hour/time.Minute); {
	case h == 0:
		return fmt.Sprintf("%d min", m)
	case m == 0:
		return fmt.Sprintf("%d h", h)
	default:
		return fmt.Sprintf("%d h %d", h, m)
	}
}
