package board

import (
	"slices"

	"meldefunk/city"
)

// ticketState is a state of a ticket in words.
type ticketState struct {
	State city.TicketState
	Key   string // in addresses
	Word  string
}

// ticketStates lists them in the order in which a ticket goes through them.
func ticketStates() []ticketState {
	return []ticketState{
		{city.TicketHeld, "gebremst", "von der Sicherheitsbremse zurückgehalten"},
		{city.TicketMuted, "stummgeschaltet", "stummgeschaltet"},
		{city.TicketQueued, "wartet", "wartet auf Übergabe"},
		{city.TicketSending, "wird-uebergeben", "wird übergeben"},
		{city.TicketUnsure, "ungewiss", "Übergabe ungewiss, wird geprüft"},
		{city.TicketManual, "von-hand", "nicht eindeutig gefunden, bitte zuordnen"},
		{city.TicketParked, "abgelehnt", "abgelehnt, bitte prüfen"},
		{city.TicketReopening, "wird-wieder-geoeffnet", "wird wieder geöffnet"},
		{city.TicketOpen, "offen", "übergeben, offen"},
		{city.TicketAcknowledged, "in-arbeit", "übernommen, in Arbeit"},
		{city.TicketClosing, "wird-geschlossen", "wird geschlossen"},
		{city.TicketCleared, "behoben", "Befund behoben, im Ticketsystem noch offen"},
		{city.TicketClosed, "geschlossen", "geschlossen"},
		{city.TicketCancelled, "entfallen", "erledigt vor der Übergabe"},
	}
}

// ticketStateNamed finds a state by its key.
func ticketStateNamed(key string) (ticketState, bool) {
	all := ticketStates()
	i := slices.IndexFunc(all, func(s ticketState) bool { return s.Key == key })
	if i < 0 {
		return ticketState{}, false
	}
	return all[i], true
}

// ticketWord says how far a ticket has got, and how it ended. A case without a ticket has not
// been sent.
func ticketWord(t *city.Ticket) string {
	if t.State == city.TicketClosed && t.End != "" {
		return endWord(t.End)
	}
	state := t.State
	if state == "" {
		state = city.TicketQueued
	}
	for _, s := range ticketStates() {
		if s.State == state {
			return s.Word
		}
	}
	return string(state)
}

// endWord says who closed a ticket.
func endWord(e city.TicketEnd) string {
	switch e {
	case city.EndUs:
		return "geschlossen, da behoben"
	case city.EndHuman:
		return "von Menschen geschlossen"
	case city.EndRejected:
		return "vom Ticketsystem abgewiesen"
	case city.EndDuplicate:
		return "im Ticketsystem als doppelt geschlossen"
	case city.EndGone:
		return "im Ticketsystem nicht mehr vorhanden"
	}
	return string(e)
}

// progressWord says how far people have got with a ticket, as its system tells.
func progressWord(p city.Progress) string {
	switch p {
	case city.ProgressOpen:
		return "offen"
	case city.ProgressWorking:
		return "in Arbeit"
	case city.ProgressDone:
		return "geschlossen"
	case city.ProgressRejected:
		return "abgewiesen"
	case city.ProgressDuplicate:
		return "doppelt"
	}
	return string(p)
}
