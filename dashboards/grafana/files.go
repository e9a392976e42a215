package grafana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is one that Grafana reads. Name is relative and has slashes.
type File struct {
	Name string
	Data []byte
}

// Banner begins every YAML file of ours; files of dashboards carry our uid and tag instead.
const Banner = "# Written by meldefunk dashboard export, which writes over it.\n"

// Files gives everything Grafana needs for its start: boards below dashboards, and below
// provisioning where its data come from, where the boards lie, and alerts. Secrets are not
// in them: Grafana takes InfluxDB's token from the variable that TokenVariable names.
func Files(cfg Config, bucket Bucket) ([]File, error) {
	boards, err := Boards(cfg, bucket)
	if err != nil {
		return nil, err
	}
	var all []File
	for _, b := range boards {
		text, err := b.JSON()
		if err != nil {
			return nil, err
		}
		all = append(all, File{"dashboards/" + b.UID + ".json", text})
	}
	for name, content := range map[string]any{
		"datasources": datasources(cfg, bucket), "dashboards": providers(cfg), "alerting": newMaker(cfg, bucket).alerting(),
	} {
		var b bytes.Buffer
		b.WriteString(Banner)
		enc := yaml.NewEncoder(&b)
		enc.SetIndent(2)
		if err := enc.Encode(content); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		all = append(all, File{"provisioning/" + name + "/meldefunk.yaml", b.Bytes()})
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Ours tells whether a file that is there already was written by us.
func Ours(f File) bool {
	if strings.HasSuffix(f.Name, ".yaml") {
		return bytes.HasPrefix(f.Data, []byte(Banner))
	}
	var b struct {
		UID  string
		Tags []string
	}
	return json.Unmarshal(f.Data, &b) == nil && ours(b.UID, b.Tags)
}

func ours(uid string, tags []string) bool {
	return strings.HasPrefix(uid, uidPrefix) && slices.Contains(tags, mark)
}

// JSON is the board as Grafana reads it.
func (b *Board) JSON() ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // queries have <, > and & in them
	enc.SetIndent("", "  ")
	if err := enc.Encode(b); err != nil {
		return nil, fmt.Errorf("board %s: %w", b.UID, err)
	}
	return text.Bytes(), nil
}

// TokenVariable is the environment variable of Grafana from which it takes the token for
// reading InfluxDB (2.x), or the password of the user meldefunk-grafana (1.x).
const TokenVariable = "MELDEFUNK_INFLUX_TOKEN"

// The file of datasources (Grafana documentation, "Provision Grafana", data sources).
type datasourceFile struct {
	APIVersion  int          `yaml:"apiVersion"`
	Datasources []datasource `yaml:"datasources"`
}

type datasource struct {
	Name           string            `yaml:"name"`
	UID            string            `yaml:"uid"`
	Type           string            `yaml:"type"`
	Access         string            `yaml:"access"`
	URL            string            `yaml:"url"`
	User           string            `yaml:"user,omitempty"`
	Editable       bool              `yaml:"editable"`
	JSONData       map[string]string `yaml:"jsonData"`
	SecureJSONData map[string]string `yaml:"secureJsonData,omitempty"`
}

func datasources(cfg Config, bucket Bucket) datasourceFile {
	in := datasource{Name: "Meldefunk InfluxDB", UID: influxUID, Type: "influxdb", Access: "proxy", URL: bucket.URL}
	if cfg.InfluxDB != "" {
		in.URL = cfg.InfluxDB
	}
	secret := "$" + TokenVariable
	if cfg.Language == InfluxQL {
		database, _, _ := strings.Cut(bucket.Name, "/") // a bucket of 1.x is "database/retention policy"
		in.User = "meldefunk-grafana"
		in.JSONData = map[string]string{"version": "InfluxQL", "dbName": database, "httpMode": "POST"}
		in.SecureJSONData = map[string]string{"password": secret}
	} else {
		in.JSONData = map[string]string{"version": "Flux", "organization": bucket.Org, "defaultBucket": bucket.Name, "httpMode": "POST"}
		in.SecureJSONData = map[string]string{"token": secret}
	}
	file := datasourceFile{1, []datasource{in}}
	if cfg.Prometheus != "" {
		file.Datasources = append(file.Datasources, datasource{Name: "Meldefunk Prometheus", UID: prometheusUID, Type: "prometheus", Access: "proxy",
			URL: cfg.Prometheus, JSONData: map[string]string{"httpMethod": "POST"}})
	}
	return file
}

// The file of dashboard providers (same documentation, dashboards).
type providerFile struct {
	APIVersion int        `yaml:"apiVersion"`
	Providers  []provider `yaml:"providers"`
}

type provider struct {
	Name           string            `yaml:"name"`
	OrgID          int               `yaml:"orgId"`
	Folder         string            `yaml:"folder"`
	FolderUID      string            `yaml:"folderUid"`
	Type           string            `yaml:"type"`
	AllowUIUpdates bool              `yaml:"allowUiUpdates"`
	Options        map[string]string `yaml:"options"`
}

// folderUID is Grafana's name for our folder.
const folderUID = "meldefunk"

func providers(cfg Config) providerFile {
	return providerFile{1, []provider{{Name: "meldefunk", OrgID: 1, Folder: cfg.Folder, FolderUID: folderUID, Type: "file", Options: map[string]string{"path": cfg.Path}}}}
}
