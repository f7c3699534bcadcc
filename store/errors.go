package store

import "orrery.dev"

// CheckOrder reports whether records go on from the log's last one: each after
// the one before, by offset and then kind. It is for engines, which refuse what
// does not with the error it gives, write nothing, and take the next batch.
func CheckOrder(records []Record, last orrery.Offset, lastKind RecordKind) error {
	for i := range records {
		r := &records[i]
		if r.Offset < last || r.Offset == last && r.Kind <= lastKind {
			return orrery.Errorf(orrery.Internal, "log_out_of_order", "record %d of kind %d was to be appended after record %d of kind %d",
				r.Offset, r.Kind, last, lastKind)
		}
		last, lastKind = r.Offset, r.Kind
	}
	return nil
}

// BlobNotFound is the error of Blob.Get for a digest without content.
func BlobNotFound(digest string) error {
	return orrery.Errorf(orrery.NotFound, "blob_not_found", "there is no content %q in the store", digest)
}

// CheckCut reports whether a cut goes on from the log's first offset and leaves
// its last. It is for engines, which refuse others with the error it gives.
func CheckCut(c *Cut, first, last orrery.Offset) error {
	if c.Before < first || c.Before > last {
		return orrery.Errorf(orrery.Internal, "cut_out_of_range", "the log has the offsets %d to %d and was to be cut at %d", first, last, c.Before)
	}
	return nil
}
