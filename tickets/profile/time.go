package profile

import (
	"fmt"
	"regexp"
	"time"
)

// now is the time as it is written and compared: UTC, whole seconds.
func (s *Server) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Second) }

var timePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$`)

func parseTime(text string) (time.Time, error) {
	if timePattern.MatchString(text) {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q ist keine Zeit: gebraucht wird 2006-01-02T15:04:05Z", text)
}
