package tickets

import (
	"strings"
	"testing"

	"meldefunk/city"
)

// Every wish in every state: it is granted or refused at once, and the history says so in words
// for people. A ticket that is being sent is left alone until that is over.
func TestEveryWishInEveryState(t *testing.T) {
	kinds := []city.WishKind{
		city.WishAcknowledge, city.WishHold, city.WishRelease, city.WishRetry, city.WishLink, city.WishClose, city.WishCheck,
	}
	for _, c := range []struct {
		state city.TicketState
		want  [7]string // in the order of the kinds
	}{
		{city.TicketHeld, [7]string{
			"held: Übernommen",
			"held: Zurückgestellt",
			"queued: Trotz Häufung freigegeben",
			"held: Nicht möglich (Wiederholen von A. Beispiel): nichts ist zu wiederholen",
			"held: Nicht möglich (Verknüpfen von A. Beispiel): es ist noch zurückgehalten: erst freigeben",
			"closed: Von Hand geschlossen",
			"held: Nicht möglich (Prüfen von A. Beispiel): es hat noch keine Nummer im Ticketsystem",
		}},
		{city.TicketQueued, [7]string{
			"queued: Übernommen",
			"queued: Zurückgestellt",
			"queued: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"queued: Nächster Versuch sofort",
			"open: Verknüpft mit 17",
			"closed: Von Hand geschlossen",
			"queued: Nicht möglich (Prüfen von A. Beispiel): es hat noch keine Nummer im Ticketsystem",
		}},
		{city.TicketMuted, [7]string{
			"muted: Übernommen",
			"muted: Zurückgestellt",
			"muted: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"muted: Nicht möglich (Wiederholen von A. Beispiel): nichts ist zu wiederholen",
			"open: Verknüpft mit 17",
			"closed: Von Hand geschlossen",
			"muted: Nicht möglich (Prüfen von A. Beispiel): es hat noch keine Nummer im Ticketsystem",
		}},
		{city.TicketSending, [7]string{
			"waits",
			"waits",
			"waits",
			"waits",
			"waits",
			"waits",
			"waits",
		}},
		{city.TicketUnsure, [7]string{
			"unsure: Übernommen",
			"unsure: Zurückgestellt",
			"unsure: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"unsure: Nächster Versuch sofort",
			"open: Verknüpft mit 17",
			"closed: Von Hand geschlossen",
			"unsure: Wird sofort gesucht",
		}},
		{city.TicketManual, [7]string{
			"manual: Übernommen",
			"manual: Zurückgestellt",
			"manual: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"unsure: Wieder aufgenommen",
			"open: Verknüpft mit 17",
			"closed: Von Hand geschlossen",
			"manual: Nicht möglich (Prüfen von A. Beispiel): es hat noch keine Nummer im Ticketsystem",
		}},
		{city.TicketParked, [7]string{
			"parked: Übernommen",
			"parked: Zurückgestellt",
			"parked: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"unsure: Wieder aufgenommen",
			"open: Verknüpft mit 17",
			"closed: Von Hand geschlossen",
			"parked: Nicht möglich (Prüfen von A. Beispiel): es hat noch keine Nummer im Ticketsystem",
		}},
		{city.TicketReopening, [7]string{
			"reopening: Übernommen",
			"reopening: Zurückgestellt",
			"reopening: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"reopening: Nächster Versuch sofort",
			"reopening: Nicht möglich (Verknüpfen von A. Beispiel): es ist schon mit 1001 verknüpft",
			"closing: Wird auf Wunsch geschlossen",
			"reopening: Nicht möglich (Prüfen von A. Beispiel): es wird noch nicht wieder verfolgt",
		}},
		{city.TicketOpen, [7]string{
			"acknowledged: Übernommen",
			"open: Zurückgestellt",
			"open: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"open: Nicht möglich (Wiederholen von A. Beispiel): nichts ist zu wiederholen",
			"open: Nicht möglich (Verknüpfen von A. Beispiel): es ist schon mit 1001 verknüpft",
			"closing: Wird auf Wunsch geschlossen",
			"open: Wird abgefragt",
		}},
		{city.TicketAcknowledged, [7]string{
			"acknowledged: Übernommen",
			"acknowledged: Zurückgestellt",
			"acknowledged: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"acknowledged: Nicht möglich (Wiederholen von A. Beispiel): nichts ist zu wiederholen",
			"acknowledged: Nicht möglich (Verknüpfen von A. Beispiel): es ist schon mit 1001 verknüpft",
			"closing: Wird auf Wunsch geschlossen",
			"acknowledged: Wird abgefragt",
		}},
		{city.TicketClosing, [7]string{
			"closing: Übernommen",
			"closing: Zurückgestellt",
			"closing: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"closing: Nächster Versuch sofort",
			"closing: Nicht möglich (Verknüpfen von A. Beispiel): es ist schon mit 1001 verknüpft",
			"closing: Wird auf Wunsch geschlossen",
			"closing: Wird abgefragt",
		}},
		{city.TicketCleared, [7]string{
			"cleared: Übernommen",
			"cleared: Zurückgestellt",
			"cleared: Nicht möglich (Freigeben von A. Beispiel): es ist nicht zurückgestellt",
			"cleared: Nicht möglich (Wiederholen von A. Beispiel): nichts ist zu wiederholen",
			"cleared: Nicht möglich (Verknüpfen von A. Beispiel): es ist schon mit 1001 verknüpft",
			"closing: Wird auf Wunsch geschlossen",
			"cleared: Wird abgefragt",
		}},
		{city.TicketClosed, [7]string{
			"closed: Nicht möglich (Übernehmen von A. Beispiel): das Ticket ist abgeschlossen",
			"closed: Nicht möglich (Zurückstellen von A. Beispiel): das Ticket ist abgeschlossen",
			"closed: Nicht möglich (Freigeben von A. Beispiel): das Ticket ist abgeschlossen",
			"closed: Nicht möglich (Wiederholen von A. Beispiel): das Ticket ist abgeschlossen",
			"closed: Nicht möglich (Verknüpfen von A. Beispiel): das Ticket ist abgeschlossen",
			"closed: Nicht möglich (Schließen von A. Beispiel): das Ticket ist abgeschlossen",
			"closed: Nicht möglich (Prüfen von A. Beispiel): das Ticket ist abgeschlossen",
		}},
		{city.TicketCancelled, [7]string{
			"cancelled: Nicht möglich (Übernehmen von A. Beispiel): das Ticket ist abgeschlossen",
			"cancelled: Nicht möglich (Zurückstellen von A. Beispiel): das Ticket ist abgeschlossen",
			"cancelled: Nicht möglich (Freigeben von A. Beispiel): das Ticket ist abgeschlossen",
			"cancelled: Nicht möglich (Wiederholen von A. Beispiel): das Ticket ist abgeschlossen",
			"cancelled: Nicht möglich (Verknüpfen von A. Beispiel): das Ticket ist abgeschlossen",
			"cancelled: Nicht möglich (Schließen von A. Beispiel): das Ticket ist abgeschlossen",
			"cancelled: Nicht möglich (Prüfen von A. Beispiel): das Ticket ist abgeschlossen",
		}},
	} {
		for i, kind := range kinds {
			t.Run(string(c.state)+"/"+string(kind), func(t *testing.T) {
				s := newStage(t, nil)
				s.begin(ref)
				was := city.Ticket{Ref: ref, State: c.state, System: "town", Next: s.c.now()}
				switch c.state {
				case city.TicketReopening, city.TicketOpen, city.TicketAcknowledged, city.TicketClosing, city.TicketCleared, city.TicketClosed:
					was.ExternalID = "1001"
					s.d.all = append(s.d.all, &hallTicket{id: "1001", status: city.ProgressOpen})
				case city.TicketSending:
					was.Next = s.c.now().Add(lease)
				}
				s.l.tickets[ref] = was
				id := s.wish(city.Wish{Kind: kind, Number: "17"})
				lane := s.r.lanes["town"]
				ct, _, err := s.l.Case(t.Context(), ref)
				if err != nil {
					t.Fatal(err)
				}
				v, err := lane.look(t.Context(), &ct)
				if err != nil {
					t.Fatal(err)
				}
				if p, ok := v.next(); ok {
					if _, err := lane.do(t.Context(), v, p); err != nil {
						t.Fatal(err)
					}
				}
				got := strings.Join(s.l.history(ref), "|")
				if s.l.judged[id] != 1 {
					got = "waits"
				}
				if got != c.want[i] {
					t.Errorf("got %q, want %q", got, c.want[i])
				}
			})
		}
	}
}
