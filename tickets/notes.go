package tickets

import (
	"strconv"
	"strings"

	"meldefunk/city"
)

// What is added to a ticket. Each ends with the marker, so that it is known for ours.

// closing says why the ticket is closed; "" while the case is wanted.
func (w words) closing(c *city.Case) string {
	if c.Wanted() {
		return ""
	}
	return w.relieved(c) + " - automatisch geschlossen. " + Marker(c.Ref)
}

// closedByHand says that one of us has closed the ticket, and not who.
func (w words) closedByHand(c *city.Case) string {
	return "Von der meldenden Stelle von Hand geschlossen. " + Marker(c.Ref)
}

// cleared says that a case is over whose ticket stays open.
func (w words) cleared(c *city.Case) string {
	return w.relieved(c) + ". Das Ticket wird nicht automatisch geschlossen. " + Marker(c.Ref)
}

// double says that a ticket stands there a second time, and that the other one is over already.
func (w words) double(c *city.Case, kept string, over bool) string {
	said := "Doppelt übermittelt, wird als " + oneLine(kept) + " bearbeitet"
	if over {
		said = "Doppelt übermittelt, als " + oneLine(kept) + " schon abgeschlossen"
	}
	return said + " - automatisch geschlossen. " + Marker(c.Ref)
}

// relieved says what has made a case go away.
func (w words) relieved(c *city.Case) string {
	if c.Revoked {
		return "Nachgereichte Messwerte zeigen: Der Befund bestand nicht"
	}
	if q := told(c); q != city.QuantityUnknown && !c.ClosedSince.IsZero() {
		return "Sensor meldet: " + measured(q, c.ClosedValue) + w.since(c, c.ClosedSince)
	}
	return "Der Befund besteht nicht mehr"
}

// grown says that a case has become worse, or concerns more than was told.
func (w words) grown(c *city.Case, worse bool, joined []string) string {
	var said []string
	if worse {
		said = append(said, "Der Befund ist dringender geworden.")
	}
	if len(joined) > 0 {
		said = append(said, "Auch betroffen: "+oneLine(strings.Join(joined, ", "))+". Zusammen "+strconv.Itoa(len(c.Members))+" Standorte.")
	}
	ref := " " + Marker(c.Ref)
	return cut(strings.Join(said, " "), MaxText-len(ref)) + ref
}

// idle says that nobody looks after a ticket.
func (w words) idle(c *city.Case) string {
	return "Noch nicht übernommen" + w.since(c, c.Opened) + ". " + Marker(c.Ref)
}
