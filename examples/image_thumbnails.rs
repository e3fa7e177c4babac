//! Thumbnails of a folder of pictures, made in worker processes. One of the pictures takes down
//! every process that decodes it.
//!
//! `cargo run --release --example image_thumbnails [FOLDER [OUTPUT]]`

use std::cmp::Reverse;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::available_parallelism;
use std::time::Instant;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageError, RgbImage};
use indicatif::{ProgressBar, ProgressStyle};
use nexus::prelude::*;
use nexus::{Ended, ExceptionKind, StepEvent, StepOutcome};
use serde::{Deserialize, Serialize};

/// The longer sides of the thumbnails; a picture is never enlarged.
const SIZES: [u32; 5] = [1024, 768, 512, 256, 128];

/// A square of the contact sheet.
const TILE: u32 = 160;

/// What was made of a picture.
#[derive(Debug, Serialize, Deserialize)]
struct Thumbnails {
    picture: PathBuf,
    width: u32,
    height: u32,
    sizes: usize,
    /// Red, green and blue of its square on the contact sheet.
    tile: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", folder.display())]
struct Unreadable {
    folder: PathBuf,
    source: io::Error,
}

#[derive(Debug, thiserror::Error)]
enum BadPicture {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("it is no portable pixmap")]
    Pixmap,
}

/// Finds the pictures of the folder: the largest files first, so that none is left over for a single
/// worker in the end.
#[event]
fn list(folder: &Path, bar: State<ProgressBar>) -> Result<Outcome<Vec<PathBuf>>, Unreadable> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|source| Unreadable { folder: folder.to_owned(), source })?;
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        ["jpg", "jpeg", "png", "ppm"].iter().any(|known| extension == *known)
    };
    let mut pictures: Vec<PathBuf> =
        entries.iter().map(fs::DirEntry::path).filter(is_picture).collect();
    if pictures.is_empty() {
        return Ok(Outcome::failure(format!("no pictures in {}", folder.display())));
    }
    let size = |path: &PathBuf| fs::metadata(path).map_or(0, |file| file.len());
    pictures.sort_by_cached_key(|path| (Reverse(size(path)), path.clone()));
    bar.set_length(pictures.len() as u64);
    Ok(Outcome::success(pictures))
}

/// Makes the thumbnails of one picture, in a worker process.
#[event(
    executor = ProcessPoolExecutor,
    timeout = "60s",
    execution_evaluation_state = SuccessForPartialSuccess,
)]
fn thumbnail(#[piped] picture: &Path, output: &Path) -> Result<Thumbnails, BadPicture> {
    make_thumbnails(picture, output)
}

/// Puts all pictures on one sheet.
#[event]
fn contact_sheet(#[piped] made: &[Thumbnails], output: &Path) -> Result<PathBuf, BadPicture> {
    let columns = made.len().isqrt().max(1);
    let side = |tiles: usize| tiles as u32 * TILE;
    let mut sheet = RgbImage::new(side(columns), side(made.len().div_ceil(columns)));
    for (place, thumbnails) in made.iter().enumerate() {
        let tile = RgbImage::from_raw(TILE, TILE, thumbnails.tile.clone());
        let tile = tile.ok_or(BadPicture::Pixmap)?;
        let (x, y) = (side(place % columns), side(place / columns));
        imageops::replace(&mut sheet, &tile, x.into(), y.into());
    }
    let path = output.join("contact_sheet.jpg");
    save(&sheet.into(), &path)?;
    Ok(path)
}

/// From a folder of pictures to a folder of thumbnails.
#[derive(Pipeline)]
#[pipeline(flow = list |-> thumbnail[each] |-> contact_sheet)]
struct ImageThumbnails {
    folder: PathBuf,
    output: PathBuf,
}

fn make_thumbnails(picture: &Path, output: &Path) -> Result<Thumbnails, BadPicture> {
    let image = decode(picture)?;
    let (width, height) = (image.width(), image.height());
    let sizes: Vec<u32> = SIZES.into_iter().filter(|size| *size < width.max(height)).collect();
    for size in &sizes {
        let small = image.resize(*size, *size, FilterType::Lanczos3).unsharpen(0.6, 2);
        save(&small, &output.join(format!("{}.{size}.jpg", name(picture))))?;
    }
    let tile = image.resize_to_fill(TILE, TILE, FilterType::Lanczos3).to_rgb8().into_raw();
    Ok(Thumbnails { picture: picture.to_owned(), width, height, sizes: sizes.len(), tile })
}

fn name(picture: &Path) -> String {
    picture.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn save(image: &DynamicImage, path: &Path) -> Result<(), BadPicture> {
    let encoder = JpegEncoder::new_with_quality(io::BufWriter::new(File::create(path)?), 85);
    Ok(image.to_rgb8().write_with_encoder(encoder)?)
}

fn decode(picture: &Path) -> Result<DynamicImage, BadPicture> {
    if picture.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ppm")) {
        return Ok(decode_pixmap(&fs::read(picture)?).ok_or(BadPicture::Pixmap)?.into());
    }
    Ok(image::ImageReader::open(picture)?.with_guessed_format()?.decode()?)
}

/// Decodes a portable pixmap, the way that decoders written in an afternoon do: it asks for as much
/// memory as the header says before it looks how much data there is. When there is no such memory
/// the process is aborted, and nothing in that process can prevent it.
fn decode_pixmap(file: &[u8]) -> Option<RgbImage> {
    let mut rest = file.strip_prefix(b"P6")?;
    let mut number = || {
        rest = rest.trim_ascii_start();
        while rest.first() == Some(&b'#') {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            rest = rest[end..].trim_ascii_start();
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at(digits);
        rest = after;
        str::from_utf8(number).ok()?.parse::<u32>().ok()
    };
    let (width, height, 255) = (number()?, number()?, number()?) else { return None };
    let size = width as usize * height as usize * 3;
    let mut pixels = vec![0; size];
    pixels.copy_from_slice(rest.get(1..=size)?);
    RgbImage::from_raw(width, height, pixels)
}

/// Shows how many pictures are done: a bar on a terminal, lines elsewhere.
struct Progress(ProgressBar);

impl Progress {
    fn say(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}

impl Observer for Progress {
    fn event_execution_end(&self, step: &StepEvent<'_>, ended: Ended<'_>) {
        let Some(item) = step.context().item() else { return };
        match ended {
            Ended::Exception(exception) if exception.kind() == ExceptionKind::WorkerLost => {
                // After a Ctrl-C it was us.
                if !step.context().is_cancelled() {
                    self.say(&format!("picture {}: {exception}", item + 1));
                }
            }
            _ => {
                self.0.inc(1);
                if self.0.is_hidden() {
                    let (done, all) = (self.0.position(), self.0.length().unwrap_or(0));
                    self.say(&format!("{done} of {all} pictures"));
                }
            }
        }
    }
}

fn main() -> ExitCode {
    // A worker process becomes one here, and never comes back.
    nexus::init();
    let default = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().unwrap_or_else(|| default.join("data/images"));
    let output = arguments.next().unwrap_or_else(|| PathBuf::from("target/thumbnails"));
    match run(folder, &output) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn run(folder: PathBuf, output: &Path) -> Result<ExitCode, Box<dyn Error>> {
    fs::create_dir_all(output).map_err(|e| format!("cannot make {}: {e}", output.display()))?;
    let style = "{bar:40.green} {pos} of {len} pictures, {elapsed}";
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(style)?);
    let engine = Engine::builder().state(bar.clone()).observer(Progress(bar.clone())).build()?;

    let start = Instant::now();
    let run = engine.prepare(ImageThumbnails { folder, output: output.to_owned() })?.start()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let (flag, canceller) = (Arc::clone(&interrupted), run.canceller());
    ctrlc::set_handler(move || {
        flag.store(true, Relaxed);
        canceller.cancel();
    })?;
    let report = run.wait()?;
    let in_workers = start.elapsed();
    let done = bar.position();
    bar.finish_and_clear();
    if report.status() == Status::Cancelled {
        println!("interrupted: {done} pictures done, in {}", output.display());
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let report = report.ok()?;
    let is_sound = print(&report, output)?;

    // The same pictures once more, in this process: without those that would take it down.
    let start = Instant::now();
    for made in report.get_each::<thumbnail>()? {
        if interrupted.load(Relaxed) {
            println!("interrupted while comparing; all thumbnails are there");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        make_thumbnails(&made.picture, output)?;
    }
    let in_turn = start.elapsed();
    let workers = available_parallelism().map_or(1, usize::from);
    let without = if is_sound { "" } else { ", without the bad ones" };
    println!(
        "{workers} worker processes took {in_workers:.2?}; \
         this process alone{without}, {in_turn:.2?}: {:.2} times as long",
        in_turn.as_secs_f64() / in_workers.as_secs_f64(),
    );
    Ok(ExitCode::SUCCESS)
}

/// Says what became of each picture, and whether all have thumbnails.
fn print(report: &Report, output: &Path) -> nexus::Result<bool> {
    let made = report.get_each::<thumbnail>()?;
    for Thumbnails { picture, width, height, sizes, .. } in made {
        println!("{:22} {width:>4} x {height:<4}  {sizes} sizes", name(picture));
    }
    let pictures = report.get::<list>()?;
    let mut is_sound = true;
    for step in report.steps_of::<thumbnail>() {
        let StepOutcome::Each { failures, .. } = step.outcome() else { continue };
        for (item, failure) in failures {
            let picture = name(&pictures[item as usize]);
            let kind = failure.exception().map(|exception| format!("{:?}", exception.kind()));
            println!("{picture:22} {}: {failure}", kind.unwrap_or_default());
            is_sound = false;
        }
    }
    let thumbnails: usize = made.iter().map(|made| made.sizes).sum();
    println!("{thumbnails} thumbnails and contact_sheet.jpg in {}", output.display());
    Ok(is_sound)
}
