package ingest

import "orrery.dev/spelling"

// nearest gives the name that was most likely meant, empty where none is near.
// Of equally near ones the first wins.
func nearest(name string, names []string) string {
	return spelling.Nearest(name, names, min(3, (len(name)+1)/3))
}
