package open311

import (
	"errors"
	"fmt"

	"meldefunk/city"
)

// answered is the Err of a Failure: what happened, and the HTTP status if there was an
// answer. The API key is not in it.
type answered struct {
	status int // 0: no answer
	msg    string
	err    error // the network's, where there was no answer
}

func (a *answered) Error() string { return a.msg }

func (a *answered) Unwrap() error { return a.err }

// refuse makes the failure of something that was not even sent.
func refuse(format string, args ...any) *city.Failure {
	return &city.Failure{Outcome: city.Refused, Err: fmt.Errorf(format, args...)}
}

// fail makes a failure whose text may quote the server.
func (c *Client) fail(o city.Outcome, format string, args ...any) *city.Failure {
	return &city.Failure{Outcome: o, Err: &answered{msg: c.hide(fmt.Sprintf(format, args...))}}
}

// statusOf gives the HTTP status behind an error; 0: no answer.
func statusOf(err error) int {
	if a := (*answered)(nil); errors.As(err, &a) {
		return a.status
	}
	return 0
}
