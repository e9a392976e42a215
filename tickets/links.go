package tickets

import (
	"errors"
	"net/url"
	"strings"

	"meldefunk/city/door"
)

// numberHere stands for the ticket's number in the address of its page.
const numberHere = "{id}"

// Link gives the address of a ticket's page in its system; "": nobody has said where that is.
func (c Config) Link(system, number string) string {
	page := c.Links[system]
	if page == "" || number == "" {
		return ""
	}
	// Escaped so that it fits into a path as well as behind a question mark.
	return strings.ReplaceAll(page, numberHere, strings.ReplaceAll(url.QueryEscape(number), "+", "%20"))
}

// checkLink says what is wrong with the address of tickets' pages; nil: nothing. It is put
// before people to click on, so it leads to one host and by no way that others can read.
func checkLink(page string) error {
	u, err := url.Parse(strings.ReplaceAll(page, numberHere, "1"))
	switch {
	case !strings.Contains(page, numberHere):
		return errors.New("want an address with " + numberHere + " in place of the number, like https://meldungen.stadt.example/tickets/" + numberHere)
	case err != nil || u.Host == "" || u.User != nil:
		return errors.New("want an address like https://meldungen.stadt.example/tickets/" + numberHere)
	case strings.Contains(strings.SplitN(page, "/", 4)[2], numberHere):
		return errors.New(numberHere + " stands in the name of the host: want it behind that")
	case u.Scheme != "https" && (u.Scheme != "http" || !door.Loopback(u.Hostname())):
		return errors.New("want https, or http on this machine")
	}
	return nil
}
