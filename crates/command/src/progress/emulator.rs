//! As much of a terminal as tests of its lines need.

pub(super) struct Emulator {
    width: usize,
    rows: Vec<Vec<char>>,
    gone: Vec<String>,
    cursor: (usize, usize),
    saved: (usize, usize),
    /// The first and the last row that scroll.
    region: (usize, usize),
}

impl Emulator {
    pub(super) fn new((width, height): (usize, usize)) -> Self {
        let (rows, region) = (vec![vec![' '; width]; height], (0, height - 1));
        Self { width, rows, gone: Vec::new(), cursor: (0, 0), saved: (0, 0), region }
    }

    pub(super) fn write(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\n' => {
                    self.index();
                    self.cursor.1 = 0;
                }
                '\x1b' => match rest.next() {
                    Some('7') => self.saved = self.cursor,
                    Some('8') => self.cursor = self.saved,
                    Some('D') => self.index(),
                    Some('[') => {
                        let (mut arguments, mut last) = (String::new(), ' ');
                        for c in rest.by_ref() {
                            last = c;
                            if c.is_ascii_alphabetic() {
                                break;
                            }
                            arguments.push(c);
                        }
                        self.control(&arguments, last);
                    }
                    other => panic!("an escape that this terminal does not know: {other:?}"),
                },
                c => {
                    assert!(self.cursor.1 < self.width, "a line is too long");
                    self.rows[self.cursor.0][self.cursor.1] = c;
                    self.cursor.1 += 1;
                }
            }
        }
    }

    fn control(&mut self, arguments: &str, command: char) {
        let numbers: Vec<usize> =
            arguments.split(';').filter_map(|number| number.parse().ok()).collect();
        let (row, column) = self.cursor;
        match (command, &*numbers) {
            ('A', [up]) => self.cursor.0 = row.saturating_sub(*up).max(self.region.0),
            ('H', [row, column]) => self.cursor = (row - 1, column - 1),
            ('r', []) => (self.region, self.cursor) = ((0, self.rows.len() - 1), (0, 0)),
            ('r', [top, bottom]) => (self.region, self.cursor) = ((top - 1, bottom - 1), (0, 0)),
            ('K', [2]) => self.rows[row].fill(' '),
            ('J', []) => {
                self.rows[row][column..].fill(' ');
                self.rows[row + 1..].iter_mut().for_each(|row| row.fill(' '));
            }
            ('m', _) => {}
            _ => panic!("a control that this terminal does not know: {arguments}{command}"),
        }
    }

    /// Down a row; at the last one of the region, that scrolls.
    fn index(&mut self) {
        if self.cursor.0 < self.region.1 {
            self.cursor.0 += 1;
        } else if self.cursor.0 == self.region.1 {
            let gone = self.rows.remove(self.region.0);
            self.gone.push(text(&gone));
            self.rows.insert(self.region.1, vec![' '; self.width]);
        }
    }

    pub(super) fn last_rows(&self, count: usize) -> Vec<String> {
        self.rows[self.rows.len() - count..].iter().map(|row| text(row)).collect()
    }

    /// All rows, those too that have scrolled away, without blank ones at the end.
    pub(super) fn all(&self) -> Vec<String> {
        let mut all = self.gone.clone();
        all.extend(self.rows.iter().map(|row| text(row)));
        while all.last().is_some_and(String::is_empty) {
            all.pop();
        }
        all
    }
}

fn text(row: &[char]) -> String {
    row.iter().collect::<String>().trim_end().to_owned()
}
