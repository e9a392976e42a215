package broker

import (
	"fmt"
	"sync"

	"github.com/rs/zerolog"
)

// logger hands the NATS server's warnings and errors on. Its fatal messages are kept:
// the server goes on after them, and Start must not.
type logger struct {
	log zerolog.Logger

	mu    sync.Mutex
	first string
}

const said = "the embedded broker says"

func (l *logger) Warnf(format string, v ...any) {
	l.log.Warn().Str("text", fmt.Sprintf(format, v...)).Msg(said)
}

func (l *logger) Errorf(format string, v ...any) {
	l.log.Error().Str("text", fmt.Sprintf(format, v...)).Msg(said)
}

func (l *logger) Fatalf(format string, v ...any) {
	l.Errorf(format, v...)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == "" {
		l.first = fmt.Sprintf(format, v...)
	}
}

func (*logger) Noticef(string, ...any) {}
func (*logger) Debugf(string, ...any)  {}
func (*logger) Tracef(string, ...any)  {}

func (l *logger) fatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}
