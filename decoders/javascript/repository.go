package javascript

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"
)

const maxIndex = 1 << 20 // bytes of a list of devices or the description of one

// repository is a checkout of the LoRaWAN Device Repository. Nothing outside of it is read,
// wherever its links and paths lead.
type repository struct {
	root   *os.Root
	folder string // for messages
}

// repositoryDevice is what the repository says of a device.
type repositoryDevice struct {
	vendor, id string
	title      string
	sensors    []string // what it measures, in the maker's words
	codecs     []string // their ids, that of the newest firmware in Europe first
}

// repositoryCodec is a codec with its examples.
type repositoryCodec struct {
	script   string // path in the repository
	source   []byte
	examples []repositoryExample
}

type repositoryExample struct {
	port    uint8
	payload []byte
	at      string
}

func openRepository(folder string) (*repository, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	if info, err := root.Stat("vendor"); err != nil || !info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s: has no folder vendor: want a checkout of the LoRaWAN Device Repository", folder), root.Close())
	}
	return &repository{root: root, folder: folder}, nil
}

// vendors lists the folders that have a list of devices.
func (r *repository) vendors() ([]string, error) {
	entries, err := fs.ReadDir(r.root.FS(), "vendor")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, err := r.root.Lstat(path.Join("vendor", e.Name(), "index.yaml")); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// shown is a path in the repository as people find it.
func (r *repository) shown(name string) string {
	return filepath.Join(r.folder, filepath.FromSlash(name))
}

// read reads a file of at most limit bytes. What is no plain file, as a pipe, is not opened.
func (r *repository) read(name string, limit int64) ([]byte, error) {
	info, err := r.root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no file")
	}
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", r.shown(name), bare(err))
	}
	f, err := r.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", r.shown(name), bare(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", r.shown(name), bare(err))
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s:1: is too large: want %d bytes at most", r.shown(name), limit)
	}
	return text, nil
}

// bare leaves out the path, which the message has already.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (r *repository) yaml(name string, limit int64, into any) error {
	text, err := r.read(name, limit)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return fmt.Errorf("%s:1: is empty", r.shown(name))
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return yamlError(r.shown(name), err)
	}
	return nil
}

// devices reads the devices of a vendor, each once. Those that cannot be read are in the
// second list.
func (r *repository) devices(vendor string) ([]repositoryDevice, []error) {
	index := path.Join("vendor", vendor, "index.yaml")
	var list struct {
		EndDevices []yaml.Node `yaml:"endDevices"`
	}
	if err := r.yaml(index, maxIndex, &list); err != nil {
		return nil, []error{err}
	}
	var devices []repositoryDevice
	var problems []error
	seen := map[string]bool{}
	for i := range list.EndDevices {
		var id string
		n := &list.EndDevices[i]
		err := n.Decode(&id)
		if err == nil && !modelName.MatchString(vendor+"/"+id) {
			err = fmt.Errorf("device %.60q of vendor %.60q: want names in lower case, of letters, digits and -", id, vendor)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", r.shown(index), n.Line, err))
			continue
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		d, err := r.device(vendor, id)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		devices = append(devices, d)
	}
	return devices, problems
}

// firmware is a version of a device's firmware.
type firmware struct {
	Numeric  float64 // rises from version to version
	Profiles map[string]struct {
		Codec string
	}
}

// device reads the description of a device.
func (r *repository) device(vendor, id string) (repositoryDevice, error) {
	var doc struct {
		Name     string
		Sensors  []string
		Firmware []firmware `yaml:"firmwareVersions"`
	}
	if err := r.yaml(path.Join("vendor", vendor, id+".yaml"), maxIndex, &doc); err != nil {
		return repositoryDevice{}, err
	}
	d := repositoryDevice{vendor: vendor, id: id, title: clip(doc.Name, 80)}
	for _, s := range doc.Sensors {
		d.sensors = append(d.sensors, clip(s, 40))
	}
	// Newest first; of two with the same number the one further down.
	slices.Reverse(doc.Firmware)
	slices.SortStableFunc(doc.Firmware, func(a, b firmware) int { return cmp.Compare(b.Numeric, a.Numeric) })
	for _, f := range doc.Firmware {
		regions := append([]string{"EU863-870"}, slices.Sorted(maps.Keys(f.Profiles))...)
		for _, region := range regions {
			if codec := f.Profiles[region].Codec; codec != "" && !slices.Contains(d.codecs, codec) {
				d.codecs = append(d.codecs, codec)
			}
		}
	}
	return d, nil
}

// codec reads a codec of a vendor, its script and examples.
func (r *repository) codec(vendor, id string) (repositoryCodec, error) {
	name := path.Join("vendor", vendor, id+".yaml")
	if !modelName.MatchString("x/" + id) {
		return repositoryCodec{}, fmt.Errorf("%s:1: codec %.60q: want a name in lower case", r.shown(name), id)
	}
	var doc struct {
		UplinkDecoder struct {
			FileName yaml.Node `yaml:"fileName"`
			Examples []struct {
				Input struct {
					FPort    uint8 `yaml:"fPort"`
					Bytes    []uint8
					RecvTime string `yaml:"recvTime"`
				}
			}
		} `yaml:"uplinkDecoder"`
	}
	if err := r.yaml(name, maxExamples, &doc); err != nil {
		return repositoryCodec{}, err
	}
	file := doc.UplinkDecoder.FileName
	if file.Value == "" {
		return repositoryCodec{}, fmt.Errorf("%s:1: uplinkDecoder.fileName: is missing: want the name of a script", r.shown(name))
	}
	if !filepath.IsLocal(file.Value) {
		return repositoryCodec{}, fmt.Errorf("%s:%d: fileName: is %.60q: want a script in the vendor's folder", r.shown(name), file.Line, file.Value)
	}
	c := repositoryCodec{script: path.Join("vendor", vendor, filepath.ToSlash(file.Value))}
	var err error
	if c.source, err = r.read(c.script, maxSource); err != nil {
		return repositoryCodec{}, fmt.Errorf("%s:%d: fileName: %w", r.shown(name), file.Line, err)
	}
	for _, e := range doc.UplinkDecoder.Examples {
		c.examples = append(c.examples, repositoryExample{e.Input.FPort, e.Input.Bytes, e.Input.RecvTime})
	}
	return c, nil
}
