package api

import (
	"context"
	"net/http"

	"meldefunk/city/visitor"
)

// call is one request.
type call struct {
	context.Context
	request *http.Request
	visitor visitor.Visitor
	query   query
}

// path gives a part of the path.
func (c call) path(name string) string { return c.request.PathValue(name) }

// route is one address.
type route struct {
	pattern string             // of http.ServeMux, below Base
	may     visitor.Permission // "": everybody, logged in or not
	args    []string           // behind the ?
	do      func(call) (any, error)
	serve   func(http.ResponseWriter, *http.Request, query) // instead of do
}

// table is every address there is.
func (a *API) table() []route {
	return []route{
		{pattern: "/openapi.json", serve: a.serveDocument},
		{pattern: "/status", may: visitor.ReadPlatform, do: a.status},
		{pattern: "/quantities", may: visitor.ReadReadings, do: a.quantities},
		{pattern: "/assets", may: visitor.ReadReadings, args: []string{"kind", "district", "tour", "q", "limit", "cursor"}, do: a.assets},
		{pattern: "/assets/{id}", may: visitor.ReadReadings, do: a.asset},
		{pattern: "/assets/{id}/readings", may: visitor.ReadReadings, args: []string{"from", "to", "order", "limit", "cursor"}, do: a.readings},
		{pattern: "/readings/latest", may: visitor.ReadReadings, args: []string{"kind", "district", "tour", "q", "limit", "cursor"}, do: a.latest},
		{pattern: "/live", may: visitor.ReadReadings, args: []string{"kind", "asset"}, serve: a.live},
		{pattern: "/devices", may: visitor.ReadDevices, args: []string{"asset", "model", "limit", "cursor"}, do: a.devices},
		{pattern: "/devices/{eui}", may: visitor.ReadDevices, do: a.device},
		{pattern: "/gateways", may: visitor.ReadDevices, args: []string{"limit", "cursor"}, do: a.gateways},
		{pattern: "/set-aside", may: visitor.ReadDevices, do: a.setAside},
		{pattern: "/tickets", may: visitor.ReadTickets, args: []string{"open", "state", "service", "rule", "asset", "system", "q", "limit", "cursor"}, do: a.tickets},
		{pattern: "/tickets/{ref}", may: visitor.ReadTickets, do: a.ticket},
		{pattern: "/tickets/{ref}/decisions", may: visitor.ReadTickets, do: a.ticketDecisions},
		{pattern: "/decisions", may: visitor.ReadTickets, args: []string{"after", "limit", "cursor"}, do: a.decisions},
		{pattern: "/rules", may: visitor.ReadRules, do: a.rules},
	}
}

// Routes are all addresses, and what one must be allowed for each, for those who check who may
// go where. The name of a part of the path stands in braces.
func (a *API) Routes() map[string]visitor.Permission {
	all := map[string]visitor.Permission{}
	for _, r := range a.table() {
		all[Base+r.pattern] = r.may
	}
	return all
}
