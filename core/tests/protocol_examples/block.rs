//! Named blocks of a document, and how examples are written into them.

use data_encoding::HEXLOWER;

/// Bytes on one line.
const WIDTH: usize = 32;

/// One example: lines of hexadecimal with notes, or of text.
pub(crate) struct Block {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Block {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), text: String::new() }
    }

    /// Bytes, and what they are.
    pub(crate) fn part(mut self, note: &str, bytes: &[u8]) -> Self {
        for (i, line) in bytes.chunks(WIDTH).enumerate() {
            self.text += &HEXLOWER.encode(line);
            if i == 0 && !note.is_empty() {
                self.text += "  # ";
                self.text += note;
            }
            self.text += "\n";
        }
        self
    }

    /// A line as it is.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.text += line;
        self.text += "\n";
        self
    }
}

/// Bytes cut into parts of these lengths, which must be all of them.
pub(crate) fn dissect(name: &str, bytes: &[u8], parts: &[(&str, usize)]) -> Block {
    let mut block = Block::new(name);
    let mut rest = bytes;
    for (note, len) in parts {
        assert!(*len <= rest.len(), "{name}: {note} is longer than what is left");
        let (part, after) = rest.split_at(*len);
        block = block.part(note, part);
        rest = after;
    }
    assert!(rest.is_empty(), "{name}: {} bytes are not explained", rest.len());
    block
}

/// A document, cut into lines.
pub(crate) struct Document {
    lines: Vec<String>,
    blocks: Vec<Place>,
}

struct Place {
    name: String,
    taken: bool,
    /// Lines between the fences.
    from: usize,
    to: usize,
}

impl Document {
    pub(crate) fn parse(text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut blocks: Vec<Place> = Vec::new();
        let mut open: Option<(String, usize)> = None;
        for (i, line) in lines.iter().enumerate() {
            if let Some((name, from)) = open.take_if(|_| line == "```") {
                assert!(blocks.iter().all(|block| block.name != name), "two blocks `{name}`");
                blocks.push(Place { name, taken: false, from, to: i });
            } else if let Some((_, name)) =
                line.strip_prefix("```").and_then(|info| info.split_once(" name="))
            {
                assert!(open.is_none(), "a block within a block in line {}", i + 1);
                open = Some((name.to_owned(), i + 1));
            }
        }
        assert!(open.is_none(), "a block is not closed");
        Self { lines, blocks }
    }

    /// Finds a block, once.
    pub(crate) fn take(&mut self, name: &str) -> Option<usize> {
        let place = self.blocks.iter().position(|block| block.name == name)?;
        assert!(!self.blocks[place].taken, "two examples `{name}`");
        self.blocks[place].taken = true;
        Some(place)
    }

    pub(crate) fn text(&self, place: usize) -> String {
        let Place { from, to, .. } = self.blocks[place];
        self.lines[from..to].iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn replace(&mut self, place: usize, block: &Block) {
        let Place { from, to, .. } = self.blocks[place];
        let new: Vec<String> = block.text.lines().map(str::to_owned).collect();
        let (old, new_len) = (to - from, new.len());
        self.lines.splice(from..to, new);
        for other in &mut self.blocks {
            if other.from > from {
                other.from = other.from + new_len - old;
            }
            if other.to > from {
                other.to = other.to + new_len - old;
            }
        }
    }

    pub(crate) fn untaken(&self) -> Vec<&str> {
        self.blocks.iter().filter(|block| !block.taken).map(|block| block.name.as_str()).collect()
    }

    pub(crate) fn to_text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}
