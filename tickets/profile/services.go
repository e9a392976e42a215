package profile

import (
	"net/http"
	"strings"
)

type service struct {
	Code        string `json:"service_code"`
	Name        string `json:"service_name"`
	Description string `json:"description"`
	Metadata    bool   `json:"metadata"`
	Type        string `json:"type"`
	Keywords    string `json:"keywords"`
	Group       string `json:"group"`
}

func (s *Server) listServices(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); !ok {
		return
	}
	all := []service{}
	for _, svc := range s.cfg.Services {
		all = append(all, service{Code: svc.Code, Name: svc.Name, Description: svc.Name, Metadata: true, Type: "realtime", Keywords: "Sensorik", Group: svc.Group})
	}
	reply(w, http.StatusOK, all)
}

// definition is that of an attribute. Every service has the same.
type definition struct {
	Code        string  `json:"code"`
	Variable    bool    `json:"variable"`
	Datatype    string  `json:"datatype"`
	Required    bool    `json:"required"`
	Order       int     `json:"order"`
	Description string  `json:"description"`
	Hint        string  `json:"datatype_description"`
	Values      []value `json:"values,omitempty"`
}

type value struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

func priorities() []value {
	return []value{{"niedrig", "niedrig"}, {"normal", "normal"}, {"hoch", "hoch"}}
}

func definitions() []definition {
	all := []definition{
		{Code: "ref", Datatype: "string", Description: "Kennzeichen", Hint: "S- und acht Zeichen"},
		{Code: "asset_id", Datatype: "string", Description: "Nummer der Anlage"},
		{Code: "gruppe", Datatype: "string", Description: "Wen es angeht"},
		{Code: "messgroesse", Datatype: "string", Description: "Was gemessen wurde"},
		{Code: "messwert", Datatype: "string", Description: "Messwert", Hint: "mit Dezimalpunkt, oder true und false"},
		{Code: "einheit", Datatype: "string", Description: "Einheit von Messwert und Schwelle"},
		{Code: "schwelle", Datatype: "string", Description: "Ab wann gemeldet wird"},
		{Code: "tour", Datatype: "string", Description: "Tour der Anlage"},
		{Code: "seit", Datatype: "datetime", Description: "Seit wann es so ist"},
		{Code: "prioritaet", Datatype: "singlevaluelist", Description: "Priorität", Values: priorities()},
	}
	for i := range all {
		all[i].Variable, all[i].Order = true, i+1
	}
	return all
}

func (s *Server) definition(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.query(w, r); !ok {
		return
	}
	code, ok := strings.CutSuffix(r.PathValue("code"), ".json")
	if !ok || s.service(code).Code == "" {
		notFound(w, "service_code: diese Kategorie gibt es nicht")
		return
	}
	reply(w, http.StatusOK, map[string]any{"service_code": code, "attributes": definitions()})
}
