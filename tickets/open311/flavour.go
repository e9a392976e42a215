package open311

import "net/http"

// The formats of paths and answers.
const (
	JSON = "json"
	XML  = "xml"
)

// Flavour is what an endpoint does beyond, or short of, GeoReport v2.
type Flavour struct {
	Format string            // JSON or XML
	Args   map[string]string // arguments of every call that reads requests
	Email  bool              // a create must name an e-mail address

	ByRef  string // argument of GET requests: our ref; "": there is none
	ByText string // argument of GET requests: words in the text; "": there is none
	Since  string // argument of GET requests: changed then or later; "": there is none
	Paging string // how lists are read on, a Paging…

	Updates  string // how requests are changed, an Updates…
	Reopened string // status word that reopens, where it is not the usual one of Updates

	// Hidden stands in place of a description until somebody has released it; "": no
	// description is ever hidden. Such a request cannot be recognised by its words.
	Hidden string
	Detail []string // where a finer status stands, dots between the fields; the first that is told
}

// Flavours are all that are known. The facts are from the sources of the systems they are
// named after; "sensor-meldung" is the profile that this platform proposes.
func Flavours() map[string]Flavour {
	return map[string]Flavour{
		"strict": {Format: JSON, Paging: PagingNone, Updates: UpdatesNone},
		"fixmystreet": {
			Format: JSON, Paging: PagingNone,
			Updates: UpdatesRequest, Reopened: "OPEN",
		},
		"mark-a-spot": {
			Format: JSON, Args: map[string]string{"sort": "-created", "extensions": "true"},
			ByText: "q", Since: "updated", Paging: PagingLimit,
			Updates: UpdatesPost,
			Detail:  []string{"extended_attributes.markaspot.status_descriptive_name"},
		},
		"klarschiff": {
			Format: XML, Args: map[string]string{"extensions": "true", "also_archived": "true"}, Email: true,
			Since: "updated_after", Paging: PagingMax,
			Updates: UpdatesPatch,
			Hidden:  "redaktionelle Prüfung ausstehend",
			Detail:  []string{"extended_attributes.detailed_status", "detailed_status"},
		},
		"sensor-meldung": {
			Format: JSON, ByRef: "ref", Since: "updated_after", Paging: PagingSize,
			Updates: UpdatesRequest,
			Detail:  []string{"detailed_status"},
		},
	}
}

// How lists are read on.
const (
	PagingNone  = "none"         // one answer is the whole list
	PagingPage  = "page"         // page=1, 2, …
	PagingSize  = "page_size"    // page=1, 2, … of page_size each
	PagingLimit = "limit"        // limit and offset
	PagingMax   = "max_requests" // max_requests, raised until the list is not cut off
)

// paging names the arguments of one way to read on; "": not sent.
type paging struct {
	page   string
	offset string
	size   string
	ask    int // value of size
	grow   bool
}

func pagings() map[string]paging {
	return map[string]paging{
		PagingNone:  {},
		PagingPage:  {page: "page"},
		PagingSize:  {page: "page", size: "page_size", ask: 100},
		PagingLimit: {offset: "offset", size: "limit", ask: 100},
		PagingMax:   {size: "max_requests", ask: 1000, grow: true},
	}
}

// How requests are changed; GeoReport v2 itself has no way.
const (
	UpdatesNone    = "none"                  // not at all: a human closes
	UpdatesRequest = "servicerequestupdates" // extension by mySociety: POST servicerequestupdates
	UpdatesPatch   = "patch"                 // CitySDK: PATCH requests/{id}, and notes apart
	UpdatesPost    = "post"                  // Mark-a-Spot: POST requests/{id} with status and status_notes
	UpdatesTerms   = "post-terms"            // Mark-a-Spot before it knew status: POST requests/{id} with the number of a status term
)

// channels are the calls that change a request; a call without a method is one the
// endpoint does not have.
type channels struct{ close, reopen, note call }

// call is one way to change a request: where it goes, and how the endpoint names what is
// told. Dots nest fields in JSON. A name that is "" is not sent.
type call struct {
	method string
	path   []string // idHere stands for the number
	json   bool     // a JSON body, with the key in the address; else a form
	word   string   // value of status

	id, key, status, words, at, author string
}

const idHere = "{id}"

func updates() map[string]channels {
	request := call{
		method: http.MethodPost, path: []string{"servicerequestupdates"},
		id: "service_request_id", key: "update_id", status: "status", at: "updated_datetime", words: "description",
	}
	patch := call{method: http.MethodPatch, path: []string{"requests", idHere}, status: "detailed_status", words: "status_notes"}
	notes := call{method: http.MethodPost, path: []string{"requests", "notes", idHere}, words: "comment", author: "author"}
	post := call{method: http.MethodPost, path: []string{"requests", idHere}, json: true, status: "status", words: "status_notes"}
	terms := post
	terms.status, terms.words = "extended_attributes.drupal.field_status", "extended_attributes.drupal.field_status_notes"
	return map[string]channels{
		UpdatesNone:    {},
		UpdatesRequest: {request.says("CLOSED"), request.says("REOPEN"), request.says("UNCHANGED")},
		UpdatesPatch:   {patch.says("PROCESSED"), patch.says("RECEIVED"), notes},
		UpdatesPost:    {post.says("closed"), post.says("open"), post.says("")},
		UpdatesTerms:   {terms.says(""), terms.says(""), terms.says("")}, // close_status and reopen_status tell
	}
}

func (c call) says(word string) call {
	c.word = word
	return c
}
