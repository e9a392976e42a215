package visitor

import (
	"errors"
	"fmt"
	"time"
)

// Why somebody is not let in. Which half of a login was wrong is told to nobody.
var (
	ErrNobody  = errors.New("nobody is logged in, or no longer")
	ErrToken   = errors.New("the token is unknown or has expired")
	ErrRefused = errors.New("name or password is wrong")
	ErrNoRole  = errors.New("the provider knows this person, and none of what it tells gives a role here")
	ErrAway    = errors.New("the provider of logins cannot be asked")
	ErrStale   = errors.New("the login took too long, or began in another browser")
)

// TooManyError refuses who has tried too often.
type TooManyError struct{ Wait time.Duration }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many logins were tried: wait for %s", e.Wait.Round(time.Second))
}
