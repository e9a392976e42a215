package board

import (
	"net/http"

	"meldefunk/city/visitor"
)

// route is one address, and what one must be allowed for it.
type route struct {
	method  string // GET also answers HEAD
	pattern string // of http.ServeMux, without a method
	may     visitor.Permission
	open    bool // may is nothing: everybody, logged in or not
	program bool // not read by people: without a login there is no way to one
	do      http.HandlerFunc
}

// table is every address there is. What is not here is not found.
func (b *Board) table() []route {
	table := []route{
		{method: "GET", pattern: "/{$}", may: visitor.ReadReadings, do: b.page("overview", b.overview)},
		{method: "GET", pattern: "/arbeit", may: visitor.ReadReadings, do: b.page("worklist", b.worklist)},
		{method: "GET", pattern: "/tour/{name}", may: visitor.ReadReadings, do: b.page("tour", b.tour)},
		{method: "POST", pattern: "/tour/{name}", may: visitor.WriteTours, do: b.act(bySession, b.takeVisits)},
		{method: "GET", pattern: "/qualitaet", may: visitor.ReadDevices, do: b.page("quality", b.quality)},
		{method: "GET", pattern: "/anlage/{id}/code.svg", may: visitor.ReadReadings, do: b.assetCode},
		{method: "GET", pattern: "/anlage/{id}", may: visitor.ReadReadings, do: b.page("asset", b.asset)},
		{method: "GET", pattern: "/meldungen", may: visitor.ReadTickets, do: b.page("cases", b.cases)},
		{method: "GET", pattern: "/meldung/{ref}", may: visitor.ReadTickets, do: b.page("case", b.oneCase)},
		{method: "GET", pattern: "/meldung/{ref}/auftrag", may: visitor.ReadTickets, do: backToCase}, // where a form that was not right stayed
		{method: "POST", pattern: "/meldung/{ref}/auftrag", may: visitor.WriteTickets, do: b.act(bySession, b.takeWish)},
		{method: "GET", pattern: "/stummschaltungen", may: visitor.ReadTickets, do: b.page("mutes", b.mutes)},
		{method: "POST", pattern: "/stummschaltungen", may: visitor.WriteTickets, do: b.act(bySession, b.takeMute)},
		{method: "POST", pattern: "/stummschaltungen/{id}/aufheben", may: visitor.WriteTickets, do: b.act(bySession, b.takeUnmute)},
		{method: "GET", pattern: "/regeln", may: visitor.ReadRules, do: b.page("rules", b.rules)},
		{method: "GET", pattern: "/zurueckgestellt", may: visitor.ReadDevices, do: b.page("asides", b.asides)},
		{method: "GET", pattern: "/inventar", may: visitor.ReadDevices, do: b.page("inventory", b.inventory)},
		{method: "GET", pattern: "/inventar/netzwerkserver", may: visitor.ReadDevices, do: b.page("registrations", b.registrations)},
		{method: "GET", pattern: "/geraet/{eui}/aendern", may: visitor.WriteDevices, do: b.page("change", b.deviceForms)},
		{method: "POST", pattern: "/geraet/{eui}/aendern", may: visitor.WriteDevices, do: b.act(bySession, b.takeDevice)},
		{method: "GET", pattern: "/anlage/{id}/aendern", may: visitor.WriteDevices, do: b.page("change", b.assetForm)},
		{method: "POST", pattern: "/anlage/{id}/aendern", may: visitor.WriteDevices, do: b.act(bySession, b.takeAsset)},
		{method: "GET", pattern: "/readyz", may: visitor.ReadPlatform, program: true, do: b.readyz},
		{method: "GET", pattern: "/metrics", may: visitor.ReadPlatform, program: true, do: b.opt.Metrics.ServeHTTP},
		{method: "GET", pattern: "/barrierefreiheit", open: true, do: b.page("statement", b.statement)},
		{method: "GET", pattern: "/datenschutz", open: true, do: b.page("privacy", b.privacy)},
		{method: "GET", pattern: "/healthz", open: true, do: b.healthz},
		{method: "GET", pattern: "/static/board.css", open: true, do: b.css.serve},
		{method: "GET", pattern: "/static/icon.svg", open: true, do: serveIcon},
		{method: "GET", pattern: "/", open: true, do: func(w http.ResponseWriter, r *http.Request) { b.fail(w, r, notFound()) }},
		{method: "POST", pattern: "/", open: true, do: b.refuseMethod},
	}
	if b.opt.Access != nil {
		table = append(table,
			route{method: "GET", pattern: "/anmelden", open: true, do: b.page("login", b.loginPage)},
			route{method: "POST", pattern: "/anmelden", open: true, do: b.act(ofLogin, b.takeLogin)},
			route{method: "GET", pattern: "/anmelden/anbieter", open: true, do: b.leave},
			route{method: "GET", pattern: "/anmelden/openid", open: true, do: b.comeBack},
			route{method: "POST", pattern: "/abmelden", open: true, do: b.logout()},
		)
	}
	return table
}

// Route is an address of the board, for those who check who may go where.
type Route struct{ Method, Pattern string }

// Routes are all addresses.
func (b *Board) Routes() []Route {
	var all []Route
	for _, r := range b.table() {
		all = append(all, Route{r.method, r.pattern})
	}
	return all
}

// muxes serve the table, by method.
func (b *Board) muxes() map[string]*http.ServeMux {
	muxes := map[string]*http.ServeMux{"GET": http.NewServeMux(), "POST": http.NewServeMux()}
	for _, r := range b.table() {
		muxes[r.method].HandleFunc(r.pattern, b.admit(r))
	}
	return muxes
}

func backToCase(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, caseLink(r.PathValue("ref")), http.StatusSeeOther)
}
