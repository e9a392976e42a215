package profile

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The limits of what is posted, in characters. GeoReport v2 has that of the description.
const (
	maxDescription = 4000
	maxAddress     = 2000
	maxAttribute   = 2000
)

var refPattern = regexp.MustCompile(`^S-[0-9A-HJKMNP-TV-Z]{8}$`)

type created struct {
	ID     string `json:"service_request_id"`
	Notice string `json:"service_notice"`
}

// create answers POST requests.json. A reference that is known makes nothing new: this is
// what lets a client that has lost the answer ask again.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	f, ok := s.form(w, r, []string{"service_code", "description"}, "lat", "long", "address_string", "attribute")
	if !ok {
		return
	}
	req, wrong := read(f)
	if len(wrong) > 0 {
		refuse(w, http.StatusBadRequest, wrong...)
		return
	}
	svc := s.service(req.Service)
	if svc.Code == "" {
		notFound(w, "service_code: diese Kategorie gibt es nicht")
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.byRef[req.Ref]; was != nil {
		reply(w, http.StatusOK, []created{{was.ID, "Das Kennzeichen ist schon bekannt; nichts wurde angelegt"}})
		return
	}
	if len(s.requests) == maxRequests {
		refuse(w, http.StatusServiceUnavailable, fmt.Sprintf("der Speicher ist mit %d Meldungen voll", maxRequests))
		return
	}
	req.ID = strconv.Itoa(firstID + len(s.requests))
	req.Status, req.Detailed = "open", Received
	req.ServiceName, req.Agency = svc.Name, svc.Group
	req.Requested = s.now()
	req.Updated = req.Requested
	s.requests = append(s.requests, req)
	if req.Ref != "" {
		s.byRef[req.Ref] = req
	}
	reply(w, http.StatusOK, []created{{req.ID, "Automatische Sensormeldung"}})
}

// read makes a request of a form, or tells all that is wrong with it.
func read(f url.Values) (*Request, []string) {
	req := &Request{
		Service:     f.Get("service_code"),
		Description: f.Get("description"),
		Address:     f.Get("address_string"),
		Attributes:  map[string]string{},
	}
	var wrong []string
	for name, values := range f {
		code, is := attribute(name)
		if !is {
			continue
		}
		req.Attributes[code] = values[0]
		if utf8.RuneCountInString(values[0]) > maxAttribute {
			wrong = append(wrong, fmt.Sprintf("%.60s hat mehr als %d Zeichen", name, maxAttribute))
		}
	}
	if req.Ref = req.Attributes["ref"]; req.Ref != "" && !refPattern.MatchString(req.Ref) {
		wrong = append(wrong, fmt.Sprintf("attribute[ref]: %.40q: gebraucht wird S- und acht Zeichen", req.Ref))
	}
	if v, given := req.Attributes["prioritaet"]; given && !slices.ContainsFunc(priorities(), func(p value) bool { return p.Key == v }) {
		wrong = append(wrong, fmt.Sprintf("attribute[prioritaet]: %.40q: gebraucht wird niedrig, normal oder hoch", v))
	}
	if v, given := req.Attributes["seit"]; given {
		if _, err := parseTime(v); err != nil {
			wrong = append(wrong, "attribute[seit]: "+err.Error())
		}
	}
	if n := utf8.RuneCountInString(req.Description); n > maxDescription {
		wrong = append(wrong, fmt.Sprintf("description hat %d Zeichen, höchstens %d gehen", n, maxDescription))
	}
	if n := utf8.RuneCountInString(req.Address); n > maxAddress {
		wrong = append(wrong, fmt.Sprintf("address_string hat %d Zeichen, höchstens %d gehen", n, maxAddress))
	}
	lat, long := f.Get("lat"), f.Get("long")
	switch {
	case (lat == "") != (long == ""):
		wrong = append(wrong, "lat und long gehören zusammen")
	case lat == "" && req.Address == "":
		wrong = append(wrong, "der Ort fehlt: gebraucht wird lat und long, oder address_string")
	case lat != "":
		req.Lat, req.Long = degrees(lat, 90), degrees(long, 180)
		if req.Lat == nil || req.Long == nil {
			wrong = append(wrong, "lat und long sind kein Ort in Grad")
		}
	}
	slices.Sort(wrong)
	return req, wrong
}

// degrees reads an angle; nil: it is none.
func degrees(text string, limit float64) *float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= -limit && v <= limit) {
		return nil
	}
	return &v
}
